/**
 * The body of POST /v1/responses.
 *
 * As for chats, every field that OpenAI documents has an effect, is accepted without one, or is refused because the
 * answer would differ from what was asked for.
 */
import { z } from "zod";
import { reasoningFields } from "../chat/reasoning-fields.ts";
import { TemplateVariables } from "../chat/template-variables.ts";
import {
  bookkeepingFields,
  maxTokens,
  nullsAbsent,
  samplingFields,
  saysNothing,
  Text,
  unsupportedExtensions,
  unsupportedUnless,
} from "../parsing/fields.ts";
import { type Parsed, requestParser } from "../parsing/request-parser.ts";
import { Input } from "./input-items.ts";
import { refuseMismatches, ToolChoice, Tools } from "./response-tools.ts";
import { TextFormat } from "./text-format.ts";

const TOP_LOGPROBS_MAX = 20;
const ID_MAX_CHARACTERS = 256;
const INCLUDE_MAX = 64;

/** What an answer may be asked to hold beside its own. Most are of hosted tools, and there is nothing of theirs to hold. */
const Include = z
  .array(
    z.enum([
      "code_interpreter_call.outputs",
      "computer_call_output.output.image_url",
      "file_search_call.results",
      "message.input_image.image_url",
      "message.output_text.logprobs",
      "reasoning.encrypted_content",
      "web_search_call.action.sources",
      "web_search_call.results",
    ]),
  )
  .max(INCLUDE_MAX);

/** A summary would have to be written by a model: what was thought is given as it is. */
const Reasoning = nullsAbsent(
  z.object({
    effort: z.string().max(64).exactOptional(),
    summary: z.string().max(64).exactOptional(),
    generate_summary: z.string().max(64).exactOptional(),
  }),
);

const effective = {
  model: z.string().exactOptional(),
  input: Input.exactOptional(),
  instructions: Text.exactOptional(),
  previous_response_id: z.string().max(ID_MAX_CHARACTERS).exactOptional(),
  store: z.boolean().exactOptional(),
  metadata: bookkeepingFields.metadata,
  include: Include.exactOptional(),
  max_output_tokens: maxTokens.exactOptional(),
  top_logprobs: z.int().min(0).max(TOP_LOGPROBS_MAX).exactOptional(),
  truncation: z.enum(["auto", "disabled"]).exactOptional(),
  reasoning: Reasoning.exactOptional(),
  text: TextFormat.exactOptional(),
  tools: Tools.exactOptional(),
  tool_choice: ToolChoice.exactOptional(),
  parallel_tool_calls: z.boolean().exactOptional(),
  chat_template_kwargs: TemplateVariables.exactOptional(),
  ...reasoningFields,
  ...z.object(samplingFields).omit({ n: true }).shape,
} as const;

const withoutEffect = {
  ...bookkeepingFields,
  max_tool_calls: z.int().exactOptional(),
} as const;

const refused = {
  background: unsupportedUnless(z.boolean(), (asked) => !asked).exactOptional(),
  conversation: unsupportedUnless(z.unknown(), (value) => value === undefined).exactOptional(),
  prompt: unsupportedUnless(z.unknown(), (value) => value === undefined).exactOptional(),
  context_management: unsupportedUnless(z.unknown(), saysNothing).exactOptional(),
  n: unsupportedUnless(z.int(), (count) => count === 1).exactOptional(),
  ...unsupportedExtensions,
} as const;

const ResponsesSchema = z
  .object({ ...withoutEffect, ...effective, ...refused })
  .superRefine(refuseMismatches);

export type ResponsesRequest = z.output<typeof ResponsesSchema>;

export const parseResponsesRequest: (body: unknown) => Parsed<ResponsesRequest> = requestParser(
  ResponsesSchema,
  Object.keys({ ...effective, ...refused }),
);
