/**
 * Repeats what may be different next time, ever more slowly, for as long as it takes.
 *
 * How slowly depends on what is asked again: another machine is spared, a Secret is a file of this pod.
 */
import { setTimeout as wait } from "node:timers/promises";
import { formatDuration } from "@localmodel/weights/progress/units.ts";
import {
  isTransient,
  WeightsError,
  type WeightsFailureReason,
} from "@localmodel/weights/source/weights-error.ts";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 60_000;
/** The kubelet needs about a minute to show a new Secret; looking for it costs nobody anything. */
const SECRET_PAUSE_MS = 4000;

/** Anything that needs a person is thrown; `onFailure` is told of the rest. */
export async function persistently<Result>(
  work: () => Promise<Result>,
  onFailure: (message: string, reason: WeightsFailureReason) => void,
): Promise<Result> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WeightsError) || !isTransient(error.reason)) throw error;
      const pauseMs = pauseAfterMs(failures, error.reason);
      onFailure(`${error.message}; trying again in ${formatDuration(pauseMs)}`, error.reason);
      await wait(pauseMs);
    }
  }
}

export function pauseAfterMs(failuresInARow: number, reason: WeightsFailureReason): number {
  const lastPauseMs = reason === "SecretMissing" ? SECRET_PAUSE_MS : LAST_PAUSE_MS;
  return Math.min(lastPauseMs, FIRST_PAUSE_MS * 2 ** (failuresInARow - 1));
}
