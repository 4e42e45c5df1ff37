/**
 * Takes back the memory of samplers in time.
 *
 * The library makes a sampler for every evaluation, with a table of the whole vocabulary, and frees the table only
 * when JavaScript's garbage collector finds the sampler. The collector sees a few bytes and is in no hurry: eight
 * prompts of 300 tokens side by side, in small chunks, left 700 MB behind with a vocabulary of 49,152. So what is
 * left is counted here, and beyond a bound the collector is called.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** `llama_token_data`: an id, a logit, a probability. */
const BYTES_PER_TOKEN = 12;
/** What may be left: large enough that collecting takes less than a hundredth of the time. */
export const SAMPLER_GARBAGE_BYTES = 128 * 2 ** 20;

export class SamplerMemory {
  readonly #samplerBytes: number;
  readonly #collect: () => void;
  #leftBytes = 0;

  constructor(vocabularyTokens: number, collect: () => void = collector()) {
    this.#samplerBytes = vocabularyTokens * BYTES_PER_TOKEN;
    this.#collect = collect;
  }

  /** A sampler has been used and will not be again. */
  left(): void {
    this.#leftBytes += this.#samplerBytes;
    if (this.#leftBytes < SAMPLER_GARBAGE_BYTES) return;
    this.#leftBytes = 0;
    this.#collect();
  }
}

/** Node gives its collector away only on demand. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
