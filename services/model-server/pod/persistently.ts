/** Repeats what may be different next time, ever more slowly, for as long as it takes. */
import { setTimeout as wait } from "node:timers/promises";
import { formatDuration } from "@localmodel/weights/progress/units.ts";
import {
  isTransient,
  WeightsError,
  type WeightsFailureReason,
} from "@localmodel/weights/source/weights-error.ts";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 60_000;

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
      const pauseMs = pauseAfterMs(failures);
      onFailure(`${error.message}; trying again in ${formatDuration(pauseMs)}`, error.reason);
      await wait(pauseMs);
    }
  }
}

function pauseAfterMs(failuresInARow: number): number {
  return Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failuresInARow - 1));
}
