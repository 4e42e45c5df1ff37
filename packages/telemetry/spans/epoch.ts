/**
 * The time of day with the resolution of a stopwatch: the clock of all spans.
 *
 * `Date.now()` counts whole milliseconds, too coarse for the phases of a request and for spans of two processes to
 * nest. The stopwatch stands still while a machine sleeps and knows nothing of a corrected clock; when the two have
 * come apart, the clock of the machine is right.
 */

const APART_MS = 20;
const CHECK_MS = 10;

let offsetMs = performance.timeOrigin;
let checkedMs = -Infinity;

/** Milliseconds since 1970. */
export function epochMs(): number {
  const sinceStartMs = performance.now();
  if (sinceStartMs - checkedMs >= CHECK_MS) {
    checkedMs = sinceStartMs;
    const apartMs = Date.now() - (offsetMs + sinceStartMs);
    if (Math.abs(apartMs) > APART_MS) offsetMs += apartMs;
  }
  return offsetMs + sinceStartMs;
}
