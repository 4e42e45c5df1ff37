/**
 * Log probabilities in OpenAI's two shapes: a list of tokens for chats, parallel arrays for completions.
 *
 * Numbers pass through untouched: evaluation harnesses find the most likely token by comparing the two
 * places where its log probability appears for equality.
 */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";

/** What OpenAI sends for "impossible", which JSON cannot say. */
const IMPOSSIBLE = -9999;

function finite(logprob: number | null): number {
  return logprob !== null && Number.isFinite(logprob) ? logprob : IMPOSSIBLE;
}

export function chatLogprobs(tokens: readonly TokenLogprob[]) {
  return {
    content: tokens.map(({ top, ...chosen }) => ({
      ...entry(chosen),
      top_logprobs: top.map(entry),
    })),
    refusal: null,
  };
}

function entry(one: { token: string; bytes: readonly number[]; logprob: number | null }) {
  return { token: one.token, logprob: finite(one.logprob), bytes: [...one.bytes] };
}

type LegacyLogprobs = {
  readonly tokens: string[];
  readonly token_logprobs: (number | null)[];
  readonly top_logprobs: (Record<string, number> | null)[];
  readonly text_offset: number[];
};

/** `startOffset` is how many characters of the choice's text came before these tokens. */
export function legacyLogprobs(
  tokens: readonly TokenLogprob[],
  startOffset: number,
): LegacyLogprobs {
  let offset = startOffset;
  return {
    tokens: tokens.map(legacyName),
    token_logprobs: tokens.map(({ logprob }) => (logprob === null ? null : finite(logprob))),
    top_logprobs: tokens.map(legacyTop),
    text_offset: tokens.map(({ bytes }) => {
      // A token may begin inside a character, which then is the one it belongs to.
      const at = isContinuation(bytes[0]) ? Math.max(startOffset, offset - 1) : offset;
      offset += characterCount(bytes);
      return at;
    }),
  };
}

/** Unicode characters that begin in these bytes. Clients count characters as Python does. */
export function characterCount(bytes: readonly number[]): number {
  return bytes.reduce((count, byte) => (isContinuation(byte) ? count : count + 1), 0);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** The chosen token is always among them, whether or not it was one of the most likely. */
function legacyTop(token: TokenLogprob): Record<string, number> | null {
  const { logprob, top } = token;
  if (logprob === null) return null;
  const byName = new Map<string, number>();
  for (const one of [...top, { ...token, logprob }]) {
    const name = legacyName(one);
    byName.set(name, Math.max(finite(one.logprob), byName.get(name) ?? -Infinity));
  }
  return Object.fromEntries(byName);
}

/** Part of a character has no text of its own: OpenAI writes its bytes. */
function legacyName({ token, bytes }: { token: string; bytes: readonly number[] }): string {
  const isWhole = !token.includes("\ufffd") || Buffer.from(token).equals(Buffer.from(bytes));
  if (isWhole) return token;
  const hex = bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`);
  return `bytes:${hex.join("")}`;
}
