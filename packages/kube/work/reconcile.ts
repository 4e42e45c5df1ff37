/**
 * One pass of a control loop, and the ways it can end.
 *
 * A pass is told which object to look at and never what happened to it. It observes, derives what should
 * be, and writes the difference. Running it twice, or once after ten missed events, ends in the same
 * place; that is what makes every retry, duplicate and restart harmless.
 *
 * It ends in one of four ways:
 *   1. it returns nothing: done, until something changes;
 *   2. it returns `{ requeueAfterMs }`: done, but look again then;
 *   3. it returns "requeue": not done, nobody's fault; again soon, later each time;
 *   4. it throws: like 3, and an error in logs and metrics.
 */
import type { Log } from "../log.ts";
import type { ObjectName } from "../objects/objects.ts";

export type Outcome = undefined | void | "requeue" | { readonly requeueAfterMs: number };

export type Pass = {
  readonly key: string;
  readonly name: ObjectName;
  /** Aborts when the pass takes too long or the process has to end. */
  readonly signal: AbortSignal;
  readonly log: Log;
};

export type Reconcile = (pass: Pass) => Promise<Outcome>;

/** A mistake in the program rather than in the world. */
export function isBug(error: unknown): boolean {
  return (
    error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
  );
}
