/**
 * How long a model's weights stay in memory when nobody asks for it: what whoever decides about memory tells of each model,
 * and when it leaves, as follows from that.
 *
 * Pure. Only an end that is decided by use is known: that another model needs the room may make it an earlier one.
 */
import { scheduledAt } from "../resource/schedule.ts";
import type { ScheduleWindow } from "../resource/schedule-spec.ts";

/** `always`: nothing but another model's need, or a person, takes them out. */
export type Stay =
  | "always"
  | {
      /** Since its last use. */
      readonly idleSeconds: number;
      /** The last use, as far as whoever decides knew when this was told; Unix time. */
      readonly usedAtMs?: number;
      /** It does not leave in these times of the week. */
      readonly schedule?: readonly ScheduleWindow[];
    };

/** Windows are of a week: what is still open after so long stays open. */
const WINDOWS_MAX_MS = 8 * 24 * 3_600_000;

/** `usedAtMs`: a later use that is known here. Infinity: never; undefined: not known. */
export function leavesAtMs(stay: Stay, usedAtMs: number | undefined): number | undefined {
  if (stay === "always") return Infinity;
  const { idleSeconds, schedule = [] } = stay;
  const usesMs = [usedAtMs, stay.usedAtMs].filter((ms) => ms !== undefined);
  if (usesMs.length === 0) return undefined;
  return afterWindows(schedule, Math.max(...usesMs) + idleSeconds * 1000);
}

function afterWindows(schedule: readonly ScheduleWindow[], fromMs: number): number {
  let atMs = fromMs;
  while (atMs < fromMs + WINDOWS_MAX_MS) {
    const { minReplicas, againInMs = 0 } = scheduledAt(schedule, atMs);
    if (minReplicas === 0) return atMs;
    atMs += againInMs;
  }
  return Infinity;
}
