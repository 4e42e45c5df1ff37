/** Random ids of traces and spans, in hexadecimal; never all zeros, which would mean none. */
import { randomFillSync } from "node:crypto";

const SPAN_BYTES = 8;
const TRACE_BYTES = 16;

/** Random bytes are cheap by the thousand and dear by the dozen. */
const pool = Buffer.alloc(8192);
let taken = pool.length;

export const newTraceId = (): string => next(TRACE_BYTES);
export const newSpanId = (): string => next(SPAN_BYTES);

function next(bytes: number): string {
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const id = pool.toString("hex", taken, taken + bytes);
  taken += bytes;
  return /[^0]/.test(id) ? id : next(bytes);
}
