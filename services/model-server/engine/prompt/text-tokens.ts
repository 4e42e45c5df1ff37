/**
 * Text to tokens without holding up the process, and without counting what cannot fit anyway.
 *
 * Tokenising blocks the event loop, so a long text goes in slices, each in a turn of its own (turnstile.ts), and ends as
 * soon as it is certain to be too long or nobody waits for it any more.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import { contextLengthExceeded } from "@localmodel/inference/refusals.ts";
import { haveRoom } from "./text-room.ts";
import { cutOf } from "./text-cuts.ts";
import { SLICE_CHARACTERS } from "./text-slices.ts";
import { Share } from "./turnstile.ts";

export type TextTokenizer = {
  /** With `control`, control-token texts become control tokens. */
  tokenize(text: string, control: boolean): readonly number[];
  /** Whether text cut where words and lines begin tokenises to the same tokens. */
  readonly cutsAtSpaces: boolean;
  /** See Vocabulary.joinsWords. */
  readonly joinsWords?: boolean;
  /** See Vocabulary.longestTokenBytes. */
  readonly longestTokenBytes: number;
};

export type TextLimit = {
  readonly contextTokens: number;
  /** Tokens that come before. */
  readonly already?: number;
  /** How the text is called in a refusal. Default: the prompt. */
  readonly field?: string;
  /** Of the request that it belongs to. Default: one of its own. */
  readonly share?: Share;
  /** Throws its reason, between two slices, once aborted. */
  readonly signal?: AbortSignal;
};

export async function textTokens(
  text: string,
  { control }: { readonly control: boolean },
  tokenizer: TextTokenizer,
  limit: TextLimit,
): Promise<readonly number[]> {
  const { share = new Share() } = limit;
  const { longestTokenBytes } = tokenizer;
  const long = text.length > SLICE_CHARACTERS;
  if (long && !(await haveRoom([text], longestTokenBytes, limit, share))) throw tooLong(limit);
  const { already = 0 } = limit;
  const tokens: number[] = [];
  for (let start = 0; start < text.length;) {
    await share.pause(limit.signal);
    const { slice, end } = long ? cutOf(tokenizer)(text, start) : { slice: text, end: text.length };
    append(tokens, tokenizer.tokenize(slice, control));
    start = end;
    const counted = tokens.length + already;
    if (counted >= limit.contextTokens && start < text.length) {
      throw tooLong(limit, counted);
    }
  }
  return tokens;
}

export function append(target: number[], tokens: readonly number[]): void {
  // Not push(...tokens): a long prompt is more arguments than a call can take.
  for (const token of tokens) target.push(token);
}

/** What is said of a prompt that was counted as a whole. */
export function overflow(promptTokens: number, { contextTokens: limit }: TextLimit): Failure {
  // A prompt exactly as long as the context lacks the place of the first generated token.
  const completion = promptTokens === limit ? { completion: 1 } : {};
  return contextLengthExceeded({ limit, prompt: promptTokens, ...completion });
}

/** What is said of one of which only so much was counted: the rest of what cannot fit is not worth the work. */
export function tooLong(limit: TextLimit, counted = limit.contextTokens): Failure {
  const { contextTokens, field } = limit;
  return contextLengthExceeded({
    limit: contextTokens,
    prompt: counted,
    more: true,
    ...(field !== undefined && { field }),
  });
}
