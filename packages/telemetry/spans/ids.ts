/**
 * Ids of traces and spans, as 32-bit words: random ones are made of them and OTLP sends them, while only few spans
 * are ever asked for hexadecimal digits.
 */
import { randomFillSync } from "node:crypto";

/** Four words for a trace, two for a span; never all zeros, which would mean none. */
export type Id = readonly number[];

const TRACE_WORDS = 4;
const SPAN_WORDS = 2;

/** Random words are cheap by the thousand and dear by the dozen. */
const pool = new Int32Array(2048);
let taken = pool.length;

export const newTraceId = (): Id => next(TRACE_WORDS);
export const newSpanId = (): Id => next(SPAN_WORDS);

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hexOf(id: Id): string {
  let hex = "";
  for (const word of id) {
    for (let shift = 24; shift >= 0; shift -= 8) hex += DIGITS[(word >>> shift) & 0xff];
  }
  return hex;
}

/** Of a multiple of eight digits. */
export function idOf(hex: string): Id {
  const words: number[] = [];
  for (let at = 0; at < hex.length; at += 8)
    words.push(Number.parseInt(hex.slice(at, at + 8), 16) | 0);
  return words;
}

function next(words: number): Id {
  if (taken + words > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const id: number[] = [];
  let bits = 0;
  while (id.length < words) {
    const word = pool[taken++] ?? 0;
    bits |= word;
    id.push(word);
  }
  return bits === 0 ? next(words) : id;
}
