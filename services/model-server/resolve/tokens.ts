/**
 * Token ids from a client, checked against the model before they go anywhere near it.
 *
 * llama.cpp trusts its caller: an id outside the vocabulary reads memory that is not there.
 */
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { contextLengthExceeded, invalidRequest } from "@localmodel/inference/refusals.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";

type TokenRules = {
  /** Default: the prompt. */
  readonly field?: string;
  /** Whether what is too long is cut later on. */
  readonly truncates?: boolean;
};

export function requireValidTokens(
  tokens: readonly number[],
  { vocabularyTokens, contextTokens }: ModelFacts,
  { field = PROMPT_FIELD, truncates = false }: TokenRules = {},
): void {
  if (tokens.length > contextTokens && !truncates) {
    throw contextLengthExceeded({ limit: contextTokens, prompt: tokens.length, field });
  }
  const outside = tokens.find((token) => token >= vocabularyTokens);
  if (outside === undefined) return;
  throw invalidRequest(
    field,
    `Invalid '${field}': token ${outside} is not in the model's vocabulary of ${vocabularyTokens} tokens.`,
    "invalid_value",
  );
}
