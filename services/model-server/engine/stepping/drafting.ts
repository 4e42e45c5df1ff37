/**
 * Whether the next step guesses, and how much: between what slots propose, what the machine has shown, and what guessing
 * has cost so far.
 *
 * A step that evaluates prompts guesses nothing: its room is theirs. Nor does one where nobody has measured lately what a
 * step without guesses takes.
 */
import type { SlotNeed } from "./compose.ts";
import { DraftPace } from "./draft-pace.ts";
import { draftLengths } from "./drafts.ts";
import { SpeculationLedger } from "./speculation-ledger.ts";
import { StepCosts } from "./step-costs.ts";

type DraftRoom = { readonly batchTokens: number; readonly outputs: number };

/** A step without prompts, when its tokens are chosen. */
export type DecodedStep = {
  /** That it evaluated, and those of them that were no guesses. */
  readonly rows: number;
  readonly certainRows: number;
  /** Those that turned out to be the text's. */
  readonly settledRows: number;
  /** With the choosing, without what drafting took. */
  readonly durationMs: number;
  /** What a draft model was asked for before it, for each slot, and what writing that took. */
  readonly draft?: { readonly tokens: number; readonly durationMs: number } | undefined;
};

export class Drafting {
  readonly #costs = new StepCosts();
  readonly #ledger = new SpeculationLedger();
  readonly #model = new DraftPace();

  /** For each slot; `tokens` is what each evaluates in any case. */
  lengths(
    needs: readonly SlotNeed[],
    tokens: readonly number[],
    { batchTokens, outputs }: DraftRoom,
  ): readonly number[] {
    const rows = tokens.reduce((sum, one) => sum + one, 0);
    const evaluatesPrompt = needs.some(({ prompt }) => prompt > 0);
    if (evaluatesPrompt || !this.#costs.knows(rows)) return needs.map(() => 0);
    const guesses = needs.map(({ guess }) => guess);
    const plainMs = this.#costs.ms(rows);
    const mostMs = plainMs + this.#ledger.allowanceMs(plainMs);
    const affordable = this.#costs.rowsWithin(mostMs, rows) - rows;
    const room = Math.min(batchTokens - rows, outputs - rows, affordable);
    return draftLengths(guesses, { rows, room }, (count) => this.#costs.ms(count));
  }

  /** Tokens that a draft model is to be asked for, for each of so many slots: none where that does not pay. */
  modelLength(slots: number, most: number): number {
    if (!this.#costs.knows(slots)) return 0;
    const cost = (rows: number) => this.#costs.ms(rows);
    const allowanceMs = this.#ledger.allowanceMs(cost(slots));
    return this.#model.length({ slots, most, cost, allowanceMs });
  }

  get modelChance(): number {
    return this.#model.chance;
  }

  observeModel(right: boolean): void {
    this.#model.observe(right);
  }

  record({ rows, certainRows, settledRows, draft, durationMs: stepMs }: DecodedStep): void {
    this.#costs.record(rows, stepMs);
    const durationMs = stepMs + (draft?.durationMs ?? 0);
    if (draft !== undefined) this.#model.record(draft.durationMs / draft.tokens);
    const isGuessed = rows > certainRows || draft !== undefined;
    if (isGuessed && !this.#costs.knows(certainRows)) return;
    const plainMs = isGuessed ? this.#costs.ms(certainRows) : durationMs;
    this.#ledger.record({ durationMs, plainMs, plainSteps: settledRows / certainRows });
  }
}
