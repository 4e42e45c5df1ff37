/**
 * The `response` object: in an answer that comes whole, and in the first and last events of a stream.
 *
 * What the request said is repeated in it. Where it said nothing and the answer does not depend on it, that is OpenAI's
 * default; what the model or its LocalModel decides, such as a temperature, is null.
 */
import type { Usage } from "@localmodel/inference/events.ts";
import type { Failure, FailureKind } from "@localmodel/inference/failure.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { repeatedTool } from "./response-tools.ts";
import type { ResponsesRequest } from "./responses-request.ts";
import { repeatedText } from "./text-format.ts";

export type ResponseEnd = {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly output: readonly object[];
  readonly usage?: Usage;
  readonly failure?: Failure;
};

/** Of one answer, at any point of it. `isKept`: it can be gone on with later. */
export function responseObject(
  { id, created, model }: AnswerHead,
  request: ResponsesRequest,
  isKept: boolean,
): (end: ResponseEnd) => object {
  const repeated = repeatedFields(request, isKept);
  return ({ status, output, usage, failure }) => ({
    id,
    object: "response",
    created_at: created,
    status,
    access_programs: null,
    error: failure === undefined ? null : responseError(failure),
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    model,
    output,
    ...(usage !== undefined && { usage: responseUsage(usage) }),
    ...repeated,
  });
}

/** Fields that a request may leave out, and what an answer then says. */
const DEFAULTS = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  temperature: null,
  tool_choice: "auto",
  top_logprobs: 0,
  top_p: null,
  truncation: "disabled",
} as const satisfies Partial<Record<keyof ResponsesRequest, unknown>>;

const REPEATED = [...Object.keys(DEFAULTS), "prompt_cache_key", "safety_identifier", "user"];

function repeatedFields(request: ResponsesRequest, isKept: boolean): object {
  const { reasoning, text, tools = [] } = request;
  const said = Object.entries(request).filter(([name]) => REPEATED.includes(name));
  return {
    ...DEFAULTS,
    ...Object.fromEntries(said),
    background: false,
    reasoning: { effort: reasoning?.effort ?? null, summary: null },
    store: isKept,
    text: repeatedText(text),
    tools: tools.map(repeatedTool),
  };
}

function responseUsage(usage: Usage): object {
  const { promptTokens, completionTokens, cachedTokens, reasoningTokens = 0 } = usage;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
  };
}

/** OpenAI has these words for it and no others. */
const ERROR_CODES: Readonly<Partial<Record<FailureKind, string>>> = {
  rate_limited: "rate_limit_exceeded",
  invalid: "invalid_prompt",
};

function responseError({ kind, message }: Failure): object {
  return { code: ERROR_CODES[kind] ?? "server_error", message };
}
