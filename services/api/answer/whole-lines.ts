/** Streams of lines. White space between two of them is there to keep connections alive, and passed on at once. */
import type { Parts } from "./whole-parts.ts";

const LF = 0x0a;
const SPACE = 0x20;

export const LINES: Parts = {
  areWhole: (bytes) => bytes[bytes.length - 1] === LF,
  endOfLast: (bytes) => bytes.lastIndexOf(LF) + 1,
  endOfFiller: (bytes, start) => {
    let end = start;
    while (bytes[end] === SPACE) end += 1;
    return end;
  },
};
