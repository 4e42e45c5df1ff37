/** `best_of`: of several samples of each prompt, the n with the highest log probability per token. */
import type { CompletionChoice } from "./completion-answer.ts";

type Sample = {
  readonly choice: CompletionChoice;
  /** Mean log probability of the generated tokens; 0 when there are none. */
  readonly meanLogprob: number;
};

export function meanLogprob(logprobs: readonly { readonly logprob: number | null }[]): number {
  const sum = logprobs.reduce((total, { logprob }) => total + (logprob ?? 0), 0);
  return logprobs.length === 0 ? 0 : sum / logprobs.length;
}

/** Best first within each prompt; of equals, the one that was sampled first. */
export function bestOf(
  samples: readonly Sample[],
  samplesPerPrompt: number,
  n: number,
): readonly CompletionChoice[] {
  const prompts = Math.ceil(samples.length / samplesPerPrompt);
  return Array.from({ length: prompts }, (_, prompt) =>
    samples
      .slice(prompt * samplesPerPrompt, (prompt + 1) * samplesPerPrompt)
      .toSorted((a, b) => b.meanLogprob - a.meanLogprob)
      .slice(0, n)
      .map(({ choice }) => choice),
  ).flat();
}
