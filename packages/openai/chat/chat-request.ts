/**
 * The body of POST /v1/chat/completions.
 *
 * Every field that OpenAI documents is here in one of three groups: it has an effect, it is accepted
 * without one, or it is refused because the answer would differ from what was asked for.
 */
import { z } from "zod";
import {
  bookkeepingFields,
  maxTokens,
  samplingFields,
  saysNothing,
  unsupportedExtensions,
  unsupportedUnless,
  unused,
} from "../parsing/fields.ts";
import { answerFormatFields, refuseSeveralFormats } from "../parsing/answer-format.ts";
import { refusal } from "../parsing/issue.ts";
import { Messages } from "./messages.ts";
import { type Parsed, requestParser } from "../parsing/request-parser.ts";
import { reasoningFields } from "./reasoning-fields.ts";
import { TemplateVariables } from "./template-variables.ts";
import { FunctionCallChoice, refuseMismatches, ToolChoice } from "./tool-choice.ts";
import { Functions, Tools } from "./tools.ts";

const TOP_LOGPROBS_MAX = 20;

const effective = {
  model: z.string().exactOptional(),
  messages: Messages,
  max_tokens: maxTokens.exactOptional(),
  max_completion_tokens: maxTokens.exactOptional(),
  logprobs: z.boolean().exactOptional(),
  top_logprobs: z.int().min(0).max(TOP_LOGPROBS_MAX).exactOptional(),
  chat_template_kwargs: TemplateVariables.exactOptional(),
  tools: Tools.exactOptional(),
  tool_choice: ToolChoice.exactOptional(),
  parallel_tool_calls: z.boolean().exactOptional(),
  functions: Functions.exactOptional(),
  function_call: FunctionCallChoice.exactOptional(),
  ...reasoningFields,
  ...samplingFields,
  ...answerFormatFields,
} as const;

const withoutEffect = {
  ...bookkeepingFields,
  reasoning_effort: z.string().exactOptional(),
  verbosity: z.string().exactOptional(),
  prediction: z.looseObject({}).exactOptional(),
} as const;

const refused = {
  modalities: unsupportedUnless(
    z.array(z.string()),
    (modalities) => modalities.every((modality) => modality === "text"),
    { message: "This model answers with text only: '{param}' must be [\"text\"]." },
  ).exactOptional(),
  audio: unsupportedUnless(z.unknown(), saysNothing).exactOptional(),
  web_search_options: unsupportedUnless(
    z.unknown(),
    (options) => options === undefined,
  ).exactOptional(),
  chat_template: unused,
  documents: unused,
  continue_final_message: unused,
  add_generation_prompt: unsupportedUnless(z.boolean(), (adds) => adds).exactOptional(),
  echo: unused,
  ...unsupportedExtensions,
} as const;

const ChatSchema = z
  .object({ ...effective, ...withoutEffect, ...refused })
  .superRefine((request, context) => {
    refuseSeveralFormats(request, context);
    if ((request.top_logprobs ?? 0) > 0 && request.logprobs !== true) {
      const message = "'{param}' needs 'logprobs' to be true.";
      context.addIssue({ ...refusal(message, "unsupported_parameter"), path: ["top_logprobs"] });
    }
    refuseMismatches(request, context);
  });

export type ChatRequest = z.output<typeof ChatSchema>;

export const parseChatRequest: (body: unknown) => Parsed<ChatRequest> = requestParser(
  ChatSchema,
  Object.keys({ ...effective, ...refused }),
);
