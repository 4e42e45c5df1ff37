/**
 * What the API service and the model servers tell each other beside OpenAI's interface, in headers.
 *
 * None of them crosses the API service: it forwards neither a client's nor a model server's own.
 */

/** To a model server: whose request it is. Prompt caches are never shared between two of them. */
export const TENANT_HEADER = "x-localmodel-tenant";

/**
 * To a model server: so many bytes stand before the client's body, which follows as it came. They are the conversation
 * that the request goes on with, as a JSON array. Zero: there is none, but the answer can be kept.
 */
export const EARLIER_BYTES_HEADER = "x-localmodel-earlier-bytes";

/**
 * To a model server: so many bytes more stand between those and the client's body. They are items, as a JSON array, that the
 * request names by their ids. Absent: it names none.
 */
export const REFERENCED_BYTES_HEADER = "x-localmodel-referenced-bytes";

/** To a model server that looks at no images: ids of models that look at images, with commas between them. */
export const SEEING_MODELS_HEADER = "x-localmodel-seeing-models";

/** To a model server that does not hear: ids of models that do, with commas between them. */
export const HEARING_MODELS_HEADER = "x-localmodel-hearing-models";

/** From a model server: tokens of the prompt, known when a stream begins. */
export const PROMPT_TOKENS_HEADER = "x-localmodel-prompt-tokens";

/**
 * From a model server: tokens of the whole request. A header where the answer comes as a whole, a trailer
 * after a stream. Unlike usage in the body it is there whatever the client asked for.
 */
export const USAGE_HEADER = "x-localmodel-usage";

export type TokenUsage = { readonly promptTokens: number; readonly completionTokens: number };

export function usageHeader({ promptTokens, completionTokens }: TokenUsage): string {
  return `prompt=${promptTokens} completion=${completionTokens}`;
}

/** Undefined for anything `usageHeader` has not written. */
export function readUsage(value: string | string[] | undefined): TokenUsage | undefined {
  const [, prompt, completion] =
    /^prompt=(\d{1,15}) completion=(\d{1,15})$/.exec(String(value)) ?? [];
  if (prompt === undefined || completion === undefined) return undefined;
  return { promptTokens: Number(prompt), completionTokens: Number(completion) };
}
