/**
 * What a template may use up. A template is a program of whoever made the weights: its steps, the texts and lists that it
 * makes and the depth of its calls are counted, and it ends with an error where one is too many.
 */
import { TemplateError } from "./template-error.ts";

export type Limits = {
  /** Expressions and statements. */
  readonly steps: number;
  /** Of a single text, the output included. */
  readonly characters: number;
  /** Of a single list. */
  readonly items: number;
  /** Calls and blocks inside each other. */
  readonly depth: number;
};

export const LIMITS: Limits = {
  steps: 50_000_000,
  characters: 64 * 1024 * 1024,
  items: 1_000_000,
  depth: 200,
};

export class Meter {
  readonly #limits: Limits;
  #steps = 0;
  #depth = 0;

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
  }

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.#limits.steps) this.#tooMuch("takes", this.#limits.steps, "steps");
  }

  /** Throws for a text that may not be made. */
  characters(count: number): void {
    const { characters } = this.#limits;
    if (!(count <= characters)) this.#tooMuch("makes a text of", characters, "characters");
  }

  /** Throws for a list that may not be made. */
  items(count: number): void {
    const { items } = this.#limits;
    if (!(count <= items)) this.#tooMuch("makes a list of", items, "items");
  }

  deeper<Result>(action: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) this.#tooMuch("nests", this.#limits.depth, "levels");
    try {
      return action();
    } finally {
      this.#depth -= 1;
    }
  }

  #tooMuch(does: string, limit: number, what: string): never {
    throw new TemplateError(`it ${does} more than ${limit} ${what}`);
  }
}
