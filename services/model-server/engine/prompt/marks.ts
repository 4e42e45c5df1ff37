/**
 * Marks in the text that a chat template writes: for texts that must not become control tokens, and for
 * pictures and sounds.
 *
 * A mark is made of characters that no text from outside keeps, so none can be forged.
 */
import { tooLong } from "./text-tokens.ts";

/** A part of a prompt. Control-token texts are control tokens in "template" parts only. */
export type Segment =
  | { readonly kind: "template" | "plain"; readonly text: string }
  /** Index into the prompt's pictures or sounds. It writes nothing itself. */
  | { readonly kind: "picture" | "sound"; readonly text: ""; readonly index: number };

export type RenderLimit = { readonly contextTokens: number };

/** Private characters of Unicode. Whoever writes them finds them tokenised as text. */
export const OPEN = "\uE000";
export const CLOSE = "\uE001";

const MARK = new RegExp(`${OPEN}([ps]?)(\\d+)${CLOSE}`, "gu");

export function literalMark(number: number): string {
  return `${OPEN}${number}${CLOSE}`;
}

export function pictureMark(picture: number): string {
  return `${OPEN}p${picture}${CLOSE}`;
}

export function soundMark(sound: number): string {
  return `${OPEN}s${sound}${CLOSE}`;
}

/**
 * The texts that marks stand for: few, however often they occur. Each occurrence becomes a token at least, so more of
 * them than the context has places cannot fit.
 */
export class Literals {
  readonly #limit: RenderLimit;
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();
  #occurrences = 0;

  constructor(limit: RenderLimit) {
    this.#limit = limit;
  }

  number(text: string): number {
    this.#occurrences += 1;
    if (this.#occurrences > this.#limit.contextTokens) throw tooLong(this.#limit);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  text(number: number): string {
    return this.#texts[number] ?? "";
  }
}

/** Templates may say a text more than once. */
export function segments(text: string, literals: Literals, limit: RenderLimit): Segment[] {
  const found: Segment[] = [];
  let start = 0;
  for (const mark of text.matchAll(MARK)) {
    if (mark.index > start) found.push({ kind: "template", text: text.slice(start, mark.index) });
    const number = Number(mark[2]);
    const literal = literals.text(number);
    if (mark[1] === "p") found.push({ kind: "picture", text: "", index: number });
    else if (mark[1] === "s") found.push({ kind: "sound", text: "", index: number });
    else if (literal !== "") found.push({ kind: "plain", text: literal });
    start = mark.index + mark[0].length;
    if (found.length > 2 * limit.contextTokens) throw tooLong(limit);
  }
  if (start < text.length) found.push({ kind: "template", text: text.slice(start) });
  return found;
}
