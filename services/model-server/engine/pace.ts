/**
 * How many prompt tokens go into the next step.
 *
 * Prompts are evaluated in chunks between decode steps. A chunk too large stalls the running streams
 * and outlives a client that left; one too small wastes the machine, for every chunk is a pass over all
 * weights. So the size is steered by the clock: a chunk may add MIXED_SHARE of a decode step to a step
 * that also decodes, and take ALONE_MS in one that does not. Each step corrects the size by what the
 * last one of its kind took; what a token costs is never assumed.
 */
const MIXED_SHARE = 1.5;
const ALONE_MS = 60;
const FIRST_TOKENS = { mixed: 8, alone: 32 };
const FEWEST_TOKENS = { mixed: 4, alone: 16 };
/** Bounds of one correction, so that a single hiccup of the machine does not decide. */
const CORRECTION = { least: 0.6, most: 1.5 };
const WEIGHT = 0.2;
/** What the clock says may be nothing at all. */
const SHORTEST_MS = 0.1;

export type StepMeasure = {
  readonly durationMs: number;
  readonly decodingSlots: number;
  readonly promptTokens: number;
};

export class Pace {
  readonly #batchTokens: number;
  readonly #size = { ...FIRST_TOKENS };
  /** What a step without prompts takes, by the number of slots that decode. */
  readonly #decodeMs: number[] = [];
  #latestDecodeMs = ALONE_MS / 3;

  constructor(batchTokens: number) {
    this.#batchTokens = batchTokens;
  }

  /** Prompt tokens the next step may evaluate, over all prompts, beside `decodingSlots` tokens. */
  promptBudget(decodingSlots: number): number {
    const room = Math.max(1, this.#batchTokens - decodingSlots);
    return Math.min(room, Math.round(this.#size[kindOf(decodingSlots)]));
  }

  record(step: StepMeasure): void {
    const durationMs = Math.max(SHORTEST_MS, step.durationMs);
    this.#learnDecodeMs({ ...step, durationMs });
    if (step.promptTokens > 0) this.#correct({ ...step, durationMs });
  }

  #learnDecodeMs({ durationMs, decodingSlots, promptTokens }: StepMeasure): void {
    const before = this.#decodeMs[decodingSlots];
    this.#latestDecodeMs = Math.min(this.#latestDecodeMs, durationMs);
    if (decodingSlots === 0) return;
    if (promptTokens === 0) {
      this.#setDecodeMs(decodingSlots, before ?? durationMs, durationMs);
      return;
    }
    // A busy server may hardly ever only decode. Without its prompts a mixed step would have taken no
    // longer and, where their part was small, not less than half.
    const few = promptTokens <= FEWEST_TOKENS.mixed;
    if (before === undefined && !few) return;
    const known = Math.min(before ?? durationMs / 2, durationMs);
    const least = few ? Math.min(durationMs / 2, 2 * known) : 0;
    this.#setDecodeMs(decodingSlots, known, Math.max(known, least));
  }

  #setDecodeMs(decodingSlots: number, knownMs: number, seenMs: number): void {
    this.#latestDecodeMs = knownMs + WEIGHT * (seenMs - knownMs);
    this.#decodeMs[decodingSlots] = this.#latestDecodeMs;
  }

  #correct({ durationMs, decodingSlots, promptTokens }: StepMeasure): void {
    const kind = kindOf(decodingSlots);
    const decodeMs = this.#decodeMs[decodingSlots] ?? this.#latestDecodeMs;
    const ratio =
      kind === "mixed"
        ? (decodeMs * MIXED_SHARE) / Math.max(SHORTEST_MS, durationMs - decodeMs)
        : Math.max(ALONE_MS, 2 * this.#latestDecodeMs) / durationMs;
    // That the end of a prompt, shorter than the budget, takes little says little about the budget.
    const short = promptTokens < this.#size[kind] / 2;
    if (short && ratio >= 1) return;
    const bounded = Math.min(CORRECTION.most, Math.max(CORRECTION.least, ratio));
    const size = (short ? this.#size[kind] : promptTokens) * bounded;
    this.#size[kind] = Math.min(this.#batchTokens, Math.max(FEWEST_TOKENS[kind], size));
  }
}

function kindOf(decodingSlots: number): "mixed" | "alone" {
  return decodingSlots > 0 ? "mixed" : "alone";
}

/** Splits a budget evenly over prompts, in slot order; what a short prompt leaves goes to the others. */
export function shareBudget(budget: number, remaining: readonly number[]): number[] {
  const shares = remaining.map(() => 0);
  let left = budget;
  let open = [...remaining.keys()].filter((index) => (remaining[index] ?? 0) > 0);
  while (left > 0 && open.length > 0) {
    const even = Math.max(1, Math.floor(left / open.length));
    for (const index of open) {
      const share = Math.min(even, left, (remaining[index] ?? 0) - (shares[index] ?? 0));
      shares[index] = (shares[index] ?? 0) + share;
      left -= share;
    }
    open = open.filter((index) => (shares[index] ?? 0) < (remaining[index] ?? 0));
  }
  return shares;
}
