/**
 * One step, before and while it is evaluated: which slots evaluate what, and what each takes of the outputs.
 *
 * A step is one batch, and so with one adapter. It is composed purely, of what each slot needs and of what steps have taken so
 * far; evaluating it is one call of llama.cpp.
 */
import { composeStep } from "./compose.ts";
import type { DecodedStep, Drafting } from "./drafting.ts";
import type { Load, Pace } from "./pace.ts";
import type { Slot } from "./slots.ts";
import type { Run, StepContext } from "./step-context.ts";

/** What one slot evaluates in a step. */
export type Part = { readonly slot: Slot; readonly run: Run };

/** Who evaluates what. */
export type Step = {
  /** Whose step it is, also of those that sit it out. */
  readonly slots: readonly Slot[];
  readonly parts: readonly Part[];
  readonly load: Load;
  /** Tokens and guesses of all. */
  readonly rows: number;
  /** Those that are no guesses. */
  readonly certainRows: number;
};

/** Also used by tests that say what is worth guessing. */
export type SomeDrafting = Pick<
  Drafting,
  "lengths" | "modelChance" | "modelLength" | "observeModel" | "record"
>;

export type Steering = { readonly pace: Pace; readonly drafting: SomeDrafting };

export function composedOf(
  slots: readonly Slot[],
  context: Pick<StepContext, "batchTokens" | "outputsMax">,
  { pace, drafting }: Steering,
): Step {
  const needs = slots.flatMap(({ running }) => running?.generation.need ?? []);
  const decoding = needs.filter(({ prompt }) => prompt === 0).length;
  const load = { decoding, waiting: needs.length - decoding };
  const limits = { batchTokens: context.batchTokens, outputs: context.outputsMax };
  const budget = pace.promptBudget(load);
  const tokens = composeStep(needs, { promptTokens: budget, ...limits });
  const drafts = drafting.lengths(needs, tokens, limits);
  const parts = slots.flatMap((slot, index): Part[] => {
    const run = slot.running?.generation.next(tokens[index] ?? 0, drafts[index]);
    return run === undefined ? [] : [{ slot, run }];
  });
  const rows = parts.reduce((sum, { run }) => sum + run.tokens.length, 0);
  const guesses = drafts.reduce((sum, length) => sum + length, 0);
  return { slots, parts, load, rows, certainRows: rows - guesses };
}

type Measured = {
  /** Of llama.cpp, and with the choosing. */
  readonly durationMs: number;
  readonly wholeMs: number;
  readonly settledRows: number;
  readonly draft: DecodedStep["draft"];
};

/** What a step has taken steers those that follow. */
export function learnFrom(
  { slots, load, rows, certainRows }: Step,
  { durationMs, wholeMs, settledRows, draft }: Measured,
  { pace, drafting }: Steering,
): void {
  const promptTokens = certainRows - load.decoding;
  if (rows === certainRows) pace.record({ ...load, promptTokens, durationMs });
  for (const { running } of slots) {
    if (running !== undefined && running.generation.remainingPrompt > 0)
      running.generation.waitedTokens += promptTokens;
  }
  if (load.waiting > 0) return;
  drafting.record({ rows, certainRows, settledRows, durationMs: wholeMs, draft });
}
