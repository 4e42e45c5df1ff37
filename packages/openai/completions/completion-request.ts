/** The body of POST /v1/completions. */
import { z } from "zod";
import {
  bookkeepingFields,
  maxTokens,
  samplingFields,
  saysNothing,
  Text,
  unsupportedExtensions,
  unsupportedUnless,
} from "../parsing/fields.ts";
import { answerFormatFields, refuseSeveralFormats } from "../parsing/answer-format.ts";
import { refusal } from "../parsing/issue.ts";
import { type Parsed, requestParser } from "../parsing/request-parser.ts";
import { textInputs } from "../parsing/text-input.ts";

const PROMPTS_MAX = 2048;
const COMPLETION_LOGPROBS_MAX = 5;
const BEST_OF_MAX = 20;
/** Prompts times samples of each. */
const COMPLETION_CHOICES_MAX = 2048;

const effective = {
  model: z.string().exactOptional(),
  /** Left out: the beginning of a document, as an empty text is. */
  prompt: textInputs({ maxInputs: PROMPTS_MAX, allowsEmptyText: true }).prefault(""),
  max_tokens: maxTokens.exactOptional(),
  best_of: z.int().min(0).max(BEST_OF_MAX).exactOptional(),
  echo: z.boolean().exactOptional(),
  logprobs: z.int().min(0).max(COMPLETION_LOGPROBS_MAX).exactOptional(),
  suffix: Text.exactOptional(),
  ...samplingFields,
  ...answerFormatFields,
} as const;

const notForTexts = unsupportedUnless(z.unknown(), saysNothing, {
  message: "'{param}' is a parameter of /v1/chat/completions, not of /v1/completions.",
}).exactOptional();

const refused = {
  messages: notForTexts,
  tools: notForTexts,
  ...unsupportedExtensions,
} as const;

const CompletionSchema = z
  .object({ ...effective, ...bookkeepingFields, ...refused })
  .superRefine((request, context) => {
    refuseSeveralFormats(request, context);
    for (const { param, message } of contradictions(request)) {
      context.addIssue({ ...refusal(message, "unsupported_parameter"), path: [param] });
    }
  });

export type CompletionRequest = z.output<typeof CompletionSchema>;

/** How many samples of each prompt are generated. 0 is what clients send for "not set". */
export function samplesPerPrompt(request: { n?: number; best_of?: number }): number {
  return request.best_of || (request.n ?? 1);
}

type Combination = {
  readonly prompt: readonly unknown[];
  readonly n?: number;
  readonly best_of?: number;
  readonly stream?: boolean;
  readonly suffix?: string;
  readonly echo?: boolean;
};

function contradictions(request: Combination): { param: string; message: string }[] {
  const { prompt, n = 1, stream = false, suffix = "", echo = false } = request;
  const samples = samplesPerPrompt(request);
  const rules = [
    { broken: samples < n, param: "best_of", message: "'{param}' must be at least 'n'." },
    {
      broken: stream && samples > n,
      param: "best_of",
      message: "'{param}' greater than 'n' cannot be streamed.",
    },
    {
      broken: suffix !== "" && echo,
      param: "suffix",
      message: "'{param}' cannot be combined with 'echo'.",
    },
    {
      broken: suffix !== "" && prompt.some((one) => typeof one !== "string"),
      param: "suffix",
      message: "'{param}' needs prompts that are strings.",
    },
    {
      broken: prompt.length * samples > COMPLETION_CHOICES_MAX,
      param: "prompt",
      message: `'{param}' asks for more than ${COMPLETION_CHOICES_MAX} completions, counting every prompt and sample.`,
    },
  ];
  return rules.filter((rule) => rule.broken);
}

export const parseCompletionRequest: (body: unknown) => Parsed<CompletionRequest> = requestParser(
  CompletionSchema,
  Object.keys({ ...effective, ...refused }),
);
