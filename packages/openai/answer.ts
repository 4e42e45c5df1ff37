/** What every answer to a generation carries, whichever endpoint gives it. */
import { randomUUID } from "node:crypto";

/** The same in every chunk of a stream. */
export type AnswerHead = {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
};

export type FinishReason = "stop" | "length";

export type TokenCounts = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of the prompt that needed no evaluation. */
  readonly cachedTokens: number;
};

export type CompletionUsage = ReturnType<typeof completionUsage>;

export function completionUsage({ promptTokens, completionTokens, cachedTokens }: TokenCounts) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export function newId(prefix: "chatcmpl-" | "cmpl-"): string {
  return prefix + randomUUID().replaceAll("-", "");
}
