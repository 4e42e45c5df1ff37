/**
 * The body of POST /v1/messages.
 *
 * Every field that Anthropic documents has an effect, or is accepted without one, or is refused because the answer would
 * differ from what was asked for. `model` and `max_tokens` may be left out, as everywhere here.
 */
import { z } from "zod";
import { nullsAbsent, samplingFields, unused } from "@localmodel/openai/parsing/fields.ts";
import { type Parsed, requestParser } from "@localmodel/openai/parsing/request-parser.ts";
import { refusal } from "@localmodel/openai/parsing/issue.ts";
import { begunIn, conversationFields, type Message } from "./conversation.ts";
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
  /** What `output_config.format` was called while it was new. */
  output_format: AnswerFormat.exactOptional(),
} as const;

const withoutEffect = {
  metadata: z.looseObject({}).exactOptional(),
  service_tier: z.string().exactOptional(),
} as const;

const refused = { mcp_servers: unused, container: unused } as const;

type WithBegun = {
  readonly messages: readonly Message[];
  readonly thinking?: z.output<typeof Thinking>;
  readonly tool_choice?: { readonly type: string };
  readonly output_config?: { readonly format?: object };
  readonly output_format?: object;
};

/** An answer that has begun is in no form, and nothing is thought before it: Anthropic refuses these as well. */
function refuseBegun(
  { messages, thinking, tool_choice: choice, output_config: config, output_format }: WithBegun,
  context: z.core.$RefinementCtx,
): void {
  const begun = begunIn(messages);
  if (begun === undefined) return;
  const refuse = (path: readonly PropertyKey[], message: string): void => {
    context.addIssue({ ...refusal(message, "invalid_value"), path: [...path] });
  };
  if (/\s$/.test(begun)) {
    refuse(
      ["messages", messages.length - 1, "content"],
      "Invalid '{param}': final assistant content cannot end with trailing whitespace.",
    );
  }
  const alone = "Invalid '{param}': an answer that begins with a message of the assistant's cannot";
  if (thinking !== undefined && thinking.type !== "disabled") {
    refuse(["thinking"], `${alone} be thought about first.`);
  }
  if (config?.format !== undefined) refuse(["output_config", "format"], `${alone} have a form.`);
  if (output_format !== undefined) refuse(["output_format"], `${alone} have a form.`);
  if (choice?.type === "any" || choice?.type === "tool") {
    refuse(["tool_choice"], `${alone} be a call.`);
  }
}

const MessagesSchema = z
  .object({ ...effective, ...withoutEffect, ...refused })
  .superRefine(refuseMismatches)
  .superRefine(refuseBegun);

export type MessagesRequest = z.output<typeof MessagesSchema>;

export const parseMessagesRequest: (body: unknown) => Parsed<MessagesRequest> = requestParser(
  MessagesSchema,
  Object.keys({ ...effective, ...refused }),
);
