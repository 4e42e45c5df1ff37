/** `usage`, as every answer to a generation has it. */
import type { Usage } from "@localmodel/inference/events.ts";

export function completionUsage({
  promptTokens,
  completionTokens,
  cachedTokens,
  reasoningTokens = 0,
  acceptedTokens = 0,
  audioTokens = 0,
}: Usage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: audioTokens },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      // Guessed by the server. Those that were wrong are no part of the answer, nor of these counts.
      accepted_prediction_tokens: acceptedTokens,
      rejected_prediction_tokens: 0,
    },
  };
}
