/**
 * How long to wait before starting again what ended by itself.
 *
 * Pure. The wait doubles with every crash in a row, and a server that has served for a while has earned
 * a quick restart.
 */

const FIRST_DELAY_MS = 500;
export const MAX_DELAY_MS = 60_000;
/** Serving this long ends a row of crashes. */
export const STABLE_MS = 60_000;

/** `crashes` counts those in a row, the latest included. */
export function restartDelayMs(crashes: number): number {
  // 2 ** 1024 is Infinity, which min() turns into the cap.
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, crashes - 1), MAX_DELAY_MS);
}

/** The length of the row after one more crash, `servedMs` after the server became ready. */
export function crashesInARow(before: number, servedMs: number): number {
  return servedMs >= STABLE_MS ? 1 : before + 1;
}
