/**
 * Token ids from a client, checked against the model before they go anywhere near it.
 *
 * llama.cpp trusts its caller: an id outside the vocabulary reads memory that is not there.
 */
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { contextLengthExceeded, invalidRequest } from "@localmodel/inference/refusals.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";

export function requireValidTokens(
  tokens: readonly number[],
  { vocabularyTokens, contextTokens }: ModelFacts,
): void {
  if (tokens.length > contextTokens) {
    throw contextLengthExceeded({ limit: contextTokens, prompt: tokens.length });
  }
  const outside = tokens.find((token) => token >= vocabularyTokens);
  if (outside === undefined) return;
  throw invalidRequest(
    PROMPT_FIELD,
    `Invalid '${PROMPT_FIELD}': token ${outside} is not in the model's vocabulary of ${vocabularyTokens} tokens.`,
    "invalid_value",
  );
}
