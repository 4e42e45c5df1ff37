/**
 * Notices a step of llama.cpp that does not end: a device that hangs, threads that wait for each other.
 *
 * How long a step takes depends on the model and the machine, so what is too long is a multiple of the longest so far. The
 * first, which warms up, may have to read all weights from a slow disk and have its kernels compiled: as long as pages come
 * from the disk it may take what it wants, and ten minutes after that.
 */
import { Patience } from "@localmodel/service/process/patience.ts";

type StepLimit = {
  readonly beatMs: number;
  readonly firstBeats: number;
  readonly leastBeats: number;
  /** Of the longest step so far. */
  readonly times: number;
};

const LIMIT: StepLimit = { beatMs: 1000, firstBeats: 600, leastBeats: 120, times: 20 };

export class StepWatch {
  readonly #limit: StepLimit;
  readonly #onStuck: (message: string) => void;
  #longestMs: number | undefined;

  constructor(onStuck: (message: string) => void, limit = LIMIT) {
    this.#onStuck = onStuck;
    this.#limit = limit;
  }

  async during<Result>(step: () => Promise<Result>): Promise<Result> {
    const { beatMs } = this.#limit;
    const beats = this.#beats();
    const seconds = Math.round((beats * beatMs) / 1000);
    using patience = new Patience({ beatMs, beats }, () =>
      this.#onStuck(`A step of llama.cpp has not ended within ${seconds} s`),
    );
    using _reading = this.#longestMs === undefined ? renewedByReading(patience, beatMs) : undefined;
    const beganMs = performance.now();
    const result = await step();
    this.#longestMs = Math.max(this.#longestMs ?? 0, performance.now() - beganMs);
    return result;
  }

  #beats(): number {
    const { beatMs, firstBeats, leastBeats, times } = this.#limit;
    if (this.#longestMs === undefined) return firstBeats;
    return Math.max(leastBeats, Math.ceil((times * this.#longestMs) / beatMs));
  }
}

/** Renews it whenever a page of a file has been read. */
function renewedByReading(patience: Patience, beatMs: number): Disposable {
  let before = process.resourceUsage().majorPageFault;
  const timer = setInterval(() => {
    const now = process.resourceUsage().majorPageFault;
    if (now > before) patience.renew();
    before = now;
  }, beatMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
