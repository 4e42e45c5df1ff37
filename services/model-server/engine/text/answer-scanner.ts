/**
 * Finds stop strings in an answer, and not in what the model thinks before it: nobody sees that, or means to end an answer
 * before it has begun. Nor do they count in the marks between the two.
 *
 * What may still become a mark is held back, as what may become a stop string is.
 */
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { marksOf, ReasoningText } from "@localmodel/inference/reasoning-text.ts";
import { type Scan, StopScanner } from "./stop-scanner.ts";

/** How the model thinks, and whether the prompt has begun that. */
export type Thinking = NonNullable<GenerateRequest["thinking"]>;

/** Text that is not told yet. What a control token is called counts as a mark, and writes nothing. */
type Cell = { readonly text: string; readonly isWritten: boolean };

export class AnswerScanner {
  readonly #scanner: StopScanner;
  readonly #marks: readonly string[];
  #reasoning: ReasoningText | undefined;
  #cells: Cell[] = [];

  constructor(stops: readonly string[], thinking?: Thinking) {
    this.#scanner = new StopScanner(stops);
    this.#marks = thinking === undefined ? [] : marksOf(thinking);
    if (thinking !== undefined && stops.length > 0) {
      this.#reasoning = new ReasoningText(thinking, thinking.startsInside);
    }
  }

  /** From here on there is nothing to look for. */
  ignoreAll(): void {
    this.#scanner.ignoreAll();
    this.#reasoning = undefined;
  }

  /** `control`: what a control token is called, which writes nothing. */
  push(written: string, control?: string): Scan {
    const reasoning = this.#reasoning;
    if (reasoning === undefined) return this.#scanner.push(this.#takeAll() + written);
    const isMark = control !== undefined && this.#marks.some((mark) => mark.includes(control));
    const label = isMark ? control : "";
    this.#cells.push({ text: written, isWritten: true }, { text: label, isWritten: false });
    return this.#scan(reasoning.push(written + label));
  }

  /** What was held back, once it is known that nothing follows. */
  finish(): string {
    const { released, stop } = this.#scan(this.#reasoning?.finish() ?? []);
    return stop === undefined ? released + this.#scanner.finish() + this.#takeAll() : released;
  }

  #scan(told: ReturnType<ReasoningText["push"]>): Scan {
    let released = "";
    for (const { kind, length } of told) {
      const text = this.#take(length);
      if (kind !== "answer") {
        released += this.#scanner.finish() + text;
        continue;
      }
      const scan = this.#scanner.push(text);
      released += scan.released;
      if (scan.stop !== undefined) return { released, stop: scan.stop };
    }
    return { released };
  }

  /** What was written of so many characters. */
  #take(length: number): string {
    let missing = length;
    let written = "";
    while (missing > 0) {
      const cell = this.#cells.shift();
      if (cell === undefined) break;
      const { text, isWritten } = cell;
      if (text.length > missing) this.#cells.unshift({ text: text.slice(missing), isWritten });
      if (isWritten) written += text.slice(0, missing);
      missing -= Math.min(missing, text.length);
    }
    return written;
  }

  #takeAll(): string {
    return this.#take(this.#cells.reduce((sum, { text }) => sum + text.length, 0));
  }
}
