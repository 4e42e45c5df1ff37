/**
 * Text to tokens without holding up the process, and without counting what cannot fit anyway.
 *
 * Tokenising blocks the event loop, so a long text goes in slices with a turn of the loop between them,
 * and ends as soon as it is certain to be too long or nobody waits for it any more.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { contextLengthExceeded } from "@localmodel/inference/refusals.ts";
import { SLICE_CHARACTERS, sliceEnd } from "./text-slices.ts";

export type TextTokenizer = {
  /** With `control`, control-token texts become control tokens. */
  tokenize(text: string, control: boolean): readonly number[];
  /** Whether text cut where words and lines begin tokenises to the same tokens. */
  readonly cutsAtSpaces: boolean;
  /** See Vocabulary.longestTokenBytes. */
  readonly longestTokenBytes: number;
};

export type TextLimit = {
  readonly contextTokens: number;
  /** Tokens that come before. */
  readonly already?: number;
  /** Throws its reason, between two slices, once aborted. */
  readonly signal?: AbortSignal;
};

export async function textTokens(
  text: string,
  { control }: { readonly control: boolean },
  tokenizer: TextTokenizer,
  limit: TextLimit,
): Promise<readonly number[]> {
  if (text.length <= SLICE_CHARACTERS) return tokenizer.tokenize(text, control);
  const { already = 0 } = limit;
  const fewest = already + Math.ceil(contentBytes(text) / tokenizer.longestTokenBytes);
  if (fewest > limit.contextTokens) throw overflow(fewest, limit);
  if (!tokenizer.cutsAtSpaces) return tokenizer.tokenize(text, control);
  const tokens: number[] = [];
  for (let start = 0; start < text.length;) {
    limit.signal?.throwIfAborted();
    const end = sliceEnd(text, start);
    append(tokens, tokenizer.tokenize(text.slice(start, end), control));
    start = end;
    if (tokens.length + already >= limit.contextTokens && start < text.length) {
      throw overflow(already + estimated(tokens.length, start, text.length - start), limit);
    }
    await nextTurn();
  }
  return tokens;
}

/** Some tokenisers make nothing of white space, however much of it there is. */
function contentBytes(text: string): number {
  return Buffer.byteLength(text.replaceAll(/\s+/gu, ""));
}

/** What the rest would be tokenised for is to be counted; its length says enough. */
export function estimated(tokens: number, characters: number, rest: number): number {
  return tokens + Math.round((tokens * rest) / characters);
}

export function append(target: number[], tokens: readonly number[]): void {
  // Not push(...tokens): a long prompt is more arguments than a call can take.
  for (const token of tokens) target.push(token);
}

export function overflow(promptTokens: number, { contextTokens }: TextLimit) {
  // A prompt exactly as long as the context lacks the place of the first generated token.
  const completion = promptTokens === contextTokens ? { completion: 1 } : {};
  return contextLengthExceeded({
    limit: contextTokens,
    prompt: promptTokens,
    ...completion,
  });
}
