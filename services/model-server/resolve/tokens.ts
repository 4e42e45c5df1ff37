/**
 * Token ids from a client, checked against the model before they go anywhere near it.
 *
 * llama.cpp trusts its caller: an id outside the vocabulary reads memory that is not there.
 */
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { contextLengthExceeded, invalidRequest } from "@localmodel/inference/refusals.ts";
import type { TextInput } from "@localmodel/openai/text-input.ts";

export function requireValidTokens(
  inputs: readonly TextInput[],
  { vocabularyTokens, contextTokens }: ModelFacts,
): void {
  for (const input of inputs) {
    if (typeof input === "string") continue;
    if (input.length > contextTokens) {
      throw contextLengthExceeded({ limit: contextTokens, prompt: input.length });
    }
    const outside = input.find((token) => token >= vocabularyTokens);
    if (outside === undefined) continue;
    throw invalidRequest(
      PROMPT_FIELD,
      `Invalid '${PROMPT_FIELD}': token ${outside} is not in the model's vocabulary of ${vocabularyTokens} tokens.`,
      "invalid_value",
    );
  }
}
