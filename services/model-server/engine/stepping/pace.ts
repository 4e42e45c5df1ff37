/**
 * How many prompt tokens go into the next step.
 *
 * Prompts are evaluated in chunks between decode steps. A chunk too large stalls the running streams, and keeps whoever
 * comes next waiting; one too small wastes the machine, for every chunk is a pass over all weights. So the size is steered
 * by the clock: a chunk may take ALONE_MS where nobody else is there, SHARED_MS where several prompts wait, and MIXED_SHARE of a
 * decode step beside streams that run, or MIXED_MOST_MS where more prompts wait than streams run. Each step corrects the size by what the last one of its
 * kind took; what a token costs is never assumed.
 *
 * What a decode step takes is known from steps without prompts. Under a steady flow of prompts there
 * would be none, so now and then the prompts sit one out.
 */
const MIXED_SHARE = 1;
const MIXED_MOST_MS = 150;
/** A short prompt in one go, and no long wait for one that came behind a long one. */
const SHARED_MS = 250;
/** Who comes while a long prompt is alone waits no longer than that, and has his share from then on. */
const ALONE_MS = 1000;
/** `alone`: what the warm-up evaluates, for the clock to tell what a token of a prompt costs. */
export const FIRST_TOKENS = { mixed: 8, shared: 32, alone: 32 };
/**
 * On CPUs llama.cpp attends to what came before in tiles of 64 tokens, and with fewer to one after the other: far behind in a
 * long prompt those take several times as long each. The clock alone would not find out, once a chunk has become smaller.
 */
const FEWEST_TOKENS = { mixed: 4, shared: 16, alone: 64 };
/** Bounds of one correction, so that a single hiccup of the machine does not decide. */
const CORRECTION = { least: 0.6, most: 1.5 };
/** Of the first prompt, before which nothing was known of the machine. */
const FIRST_CORRECTION = { least: 0.25, most: 8 };
/** Steps with prompts until one without them tells again what decoding takes. */
const MEASURE_EVERY_STEPS = 16;
/** Of so many latest measurements the median counts, of two the smaller: one hiccup says nothing. */
const MEASUREMENTS = 3;
const FEWEST_MEASUREMENTS = 2;
/** What the clock says may be nothing at all. */
const SHORTEST_MS = 0.1;

/** Slots that generate, and slots whose prompt is not evaluated yet. */
export type Load = { readonly decoding: number; readonly waiting: number };

type StepMeasure = Load & { readonly durationMs: number; readonly promptTokens: number };

type Kind = "mixed" | "shared" | "alone";

export class Pace {
  readonly #batchTokens: number;
  /** Tokens of a chunk that takes what `#usualMs` allows. */
  readonly #size = { ...FIRST_TOKENS };
  readonly #measured = new Set<Kind>(["mixed"]);
  /** Latest durations of steps without prompts, by the number of slots that decode. */
  readonly #decodeMs = new Map<number, readonly number[]>();
  #latestDecodeMs = MIXED_MOST_MS / 3;
  #stepsUnmeasured = 0;

  constructor(batchTokens: number) {
    this.#batchTokens = batchTokens;
  }

  /** What a step is going to take, as far as steps have told. */
  stepMs(load: Load): number {
    if (load.waiting === 0) return this.#latestDecodeMs;
    const promptMs = this.#usualMs(load) * this.#eagerness(load);
    return load.decoding === 0 ? promptMs : this.#latestDecodeMs + promptMs;
  }

  /** Prompt tokens the next step may evaluate, over all prompts. 0 where it should only decode. */
  promptBudget(load: Load): number {
    if (load.decoding > 0 && !this.#knowsDecoding(load.decoding)) return 0;
    const room = Math.max(1, this.#batchTokens - load.decoding);
    const size = this.#size[kindOf(load)] * this.#eagerness(load);
    return Math.min(room, Math.round(size));
  }

  record(step: StepMeasure): void {
    const durationMs = Math.max(SHORTEST_MS, step.durationMs);
    if (step.promptTokens > 0) this.#correct({ ...step, durationMs });
    else if (step.decoding > 0) this.#learnDecoding(step.decoding, durationMs);
  }

  #knowsDecoding(slots: number): boolean {
    const measured = this.#decodeMs.get(slots) ?? [];
    return measured.length >= FEWEST_MEASUREMENTS && this.#stepsUnmeasured < MEASURE_EVERY_STEPS;
  }

  #learnDecoding(slots: number, durationMs: number): void {
    const measured = [durationMs, ...(this.#decodeMs.get(slots) ?? [])].slice(0, MEASUREMENTS);
    this.#decodeMs.set(slots, measured);
    this.#latestDecodeMs = lowMedian(measured);
    this.#stepsUnmeasured = 0;
  }

  #usualMs({ decoding, waiting }: Load): number {
    if (decoding === 0)
      return Math.max(waiting > 1 ? SHARED_MS : ALONE_MS, 2 * this.#latestDecodeMs);
    const measured = this.#decodeMs.get(decoding);
    return MIXED_SHARE * (measured ? lowMedian(measured) : this.#latestDecodeMs);
  }

  /** One who waits for his first token counts as much as one who waits for his next: the more have their way. */
  #eagerness(load: Load): number {
    const { decoding, waiting } = load;
    if (decoding === 0 || waiting <= decoding) return 1;
    return Math.max(1, MIXED_MOST_MS / this.#usualMs(load));
  }

  #correct(step: StepMeasure): void {
    this.#stepsUnmeasured += 1;
    const kind = kindOf(step);
    const usualMs = this.#usualMs(step);
    const eagerness = this.#eagerness(step);
    const decodeMs = kind === "mixed" ? usualMs / MIXED_SHARE : 0;
    const ratio = (usualMs * eagerness) / Math.max(SHORTEST_MS, step.durationMs - decodeMs);
    const usualTokens = step.promptTokens / eagerness;
    // That the end of a prompt, shorter than the budget, takes little says little about the budget.
    const short = usualTokens < this.#size[kind] / 2;
    if (short && ratio >= 1) return;
    const { least, most } = this.#measured.has(kind) ? CORRECTION : FIRST_CORRECTION;
    this.#measured.add(kind);
    const bounded = Math.min(most, Math.max(least, ratio));
    const size = (short ? this.#size[kind] : usualTokens) * bounded;
    this.#size[kind] = Math.min(this.#batchTokens, Math.max(FEWEST_TOKENS[kind], size));
  }
}

function kindOf({ decoding, waiting }: Load): Kind {
  if (decoding > 0) return "mixed";
  return waiting > 1 ? "shared" : "alone";
}

function lowMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
