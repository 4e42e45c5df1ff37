/** How many tokens are guessed at a time where nobody says. Pure. */

const DRAFT_TOKENS = 16;
/** With these on the CPU a token alone in its batch goes through other kernels than one in company. */
const DIFFERS_BY_BATCH = /^(?:all )?(?:F32|F16|BF16)/u;

/** Guesses change the size of batches with the clock, and so must not change what is computed, as far as that is known. */
export function defaultDraftTokens(quantization: string, onGpu: boolean): number {
  return onGpu || !DIFFERS_BY_BATCH.test(quantization) ? DRAFT_TOKENS : 0;
}
