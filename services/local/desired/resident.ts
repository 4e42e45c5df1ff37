/** A model that shares this machine's memory, at one moment, and what its state means for the others. */
import { type Memory, NO_MEMORY, plus } from "./memory.ts";

export type Resident = {
  readonly number: number;
  /** What it takes while it is in memory. */
  readonly memory: Memory;
  /** Whether it is loaded for good. It takes memory, and nothing is decided about it. */
  readonly stays: boolean;
  readonly phase: "asleep" | "loading" | "awake" | "closing" | "stopping";
  /** Whether the API service knows that it is closing. */
  readonly isConfirmed: boolean;
  /** Whether requests are at its server. */
  readonly isBusy: boolean;
  /** Since when requests wait for it; undefined when none does. */
  readonly waitingSinceMs: number | undefined;
  /** Since when it has been in memory and ready. */
  readonly awakeSinceMs: number;
  /** Since when no request has been at it or waited for it. */
  readonly idleSinceMs: number;
  /** How long it stays when nobody uses it; Infinity for as long as there is room. */
  readonly idleMs: number;
};

export function isInMemory({ phase }: Resident): boolean {
  return phase !== "asleep";
}

export function isLeaving({ phase }: Resident): boolean {
  return phase === "closing" || phase === "stopping";
}

export function isWanted({ isBusy, waitingSinceMs }: Resident): boolean {
  return isBusy || waitingSinceMs !== undefined;
}

export function isIdle(one: Resident): boolean {
  return one.phase === "awake" && !isWanted(one);
}

export function memoryOf(residents: readonly Resident[]): Memory {
  return residents.reduce((total, { memory }) => plus(total, memory), NO_MEMORY);
}
