/** Where the time of a request went, by its events. */
import type { AnyEvent } from "@localmodel/inference/operation.ts";

type Timings = {
  /** Until the first choice had a slot; tokenising included. */
  readonly queuedMs?: number;
  /** From there to the first text. */
  readonly prefillMs?: number;
  /** From there to the end. */
  readonly decodeMs?: number;
  readonly totalMs: number;
  /** Of all choices together, while decoding. */
  readonly tokensPerSecond?: number;
};

export class Stopwatch {
  readonly #now: () => number;
  readonly #beginMs: number;
  #startedMs: number | undefined;
  #textMs: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#beginMs = now();
  }

  event({ type }: AnyEvent): void {
    if (type === "started") this.#startedMs ??= this.#now();
    if (type === "delta") this.#textMs ??= this.#now();
  }

  timings(completionTokens: number | undefined): Timings {
    const endMs = this.#now();
    const [begin, started, text] = [this.#beginMs, this.#startedMs, this.#textMs];
    const decodeMs = text === undefined ? undefined : endMs - text;
    return {
      ...(started !== undefined && { queuedMs: rounded(started - begin) }),
      ...(started !== undefined && text !== undefined && { prefillMs: rounded(text - started) }),
      ...(decodeMs !== undefined && { decodeMs: rounded(decodeMs) }),
      totalMs: rounded(endMs - begin),
      // The first token belongs to the prefill.
      ...(decodeMs !== undefined &&
        decodeMs > 0 &&
        completionTokens !== undefined && {
          tokensPerSecond: rounded(((completionTokens - 1) / decodeMs) * 1000),
        }),
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
