/**
 * Permission to write, that can be lost at any moment.
 *
 * The transport asks immediately before every write, retries included, and ends writes under way when
 * the signal aborts: whoever has lost its lease must not change a cluster that another now works on.
 */

export type WriteGuard = {
  /** Aborts when permission is lost. */
  readonly signal: AbortSignal;
  /** Throws when permission is lost, judged by the clock and not only by timers that may be late. */
  check(): void;
};
