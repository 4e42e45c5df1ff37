/**
 * The body of POST /v1/messages.
 *
 * Every field that Anthropic documents has an effect, or is accepted without one, or is refused because the answer would
 * differ from what was asked for. `model` and `max_tokens` may be left out, as everywhere here.
 */
import { z } from "zod";
import { nullsAbsent, samplingFields, unused } from "@localmodel/openai/parsing/fields.ts";
import { type Parsed, requestParser } from "@localmodel/openai/parsing/request-parser.ts";
import { conversationFields } from "./conversation.ts";
import { Thinking } from "./thinking.ts";
import { refuseMismatches, toolFields } from "./tools.ts";

const { temperature, top_p, top_k, stop: stop_sequences, stream } = samplingFields;

const AnswerFormat = nullsAbsent(
  z.object({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }),
);

const effective = {
  model: z.string().exactOptional(),
  ...conversationFields,
  max_tokens: z.int().min(1).exactOptional(),
  stop_sequences,
  stream,
  temperature,
  top_p,
  top_k,
  ...toolFields,
  thinking: Thinking.exactOptional(),
  output_config: nullsAbsent(
    z.object({
      effort: z.string().max(64).exactOptional(),
      format: AnswerFormat.exactOptional(),
    }),
  ).exactOptional(),
} as const;

const withoutEffect = {
  metadata: z.looseObject({}).exactOptional(),
  service_tier: z.string().exactOptional(),
} as const;

const refused = { mcp_servers: unused, container: unused } as const;

const MessagesSchema = z
  .object({ ...effective, ...withoutEffect, ...refused })
  .superRefine(refuseMismatches);

export type MessagesRequest = z.output<typeof MessagesSchema>;

export const parseMessagesRequest: (body: unknown) => Parsed<MessagesRequest> = requestParser(
  MessagesSchema,
  Object.keys({ ...effective, ...refused }),
);
