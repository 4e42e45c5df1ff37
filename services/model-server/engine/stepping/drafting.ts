/**
 * Whether the next step guesses, and how much: between what slots propose and what the machine has shown.
 *
 * A step that evaluates prompts guesses nothing: its room is theirs. Nor does one where nobody has measured lately what a
 * step without guesses takes.
 */
import type { SlotNeed } from "./compose.ts";
import { draftLengths } from "./drafts.ts";
import { StepCosts } from "./step-costs.ts";

type DraftRoom = { readonly batchTokens: number; readonly outputs: number };

export class Drafting {
  readonly #costs = new StepCosts();

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
    const room = Math.min(batchTokens, outputs) - rows;
    return draftLengths(guesses, { rows, room }, (count) => this.#costs.ms(count));
  }

  /** What a step without prompts took, with the choosing. */
  record(rows: number, durationMs: number): void {
    this.#costs.record(rows, durationMs);
  }
}
