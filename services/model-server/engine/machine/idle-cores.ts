/**
 * How many of the machine's cores had nothing to do, while the engine stepped.
 *
 * Processors are read at most once a second. Only time in which steps ran counts: an engine that waits leaves cores idle
 * that its threads are going to need.
 */
import { type CpuInfo, cpus, getPriority } from "node:os";

const WINDOW_MS = 1000;
/** Of the window. The rest is between steps. */
const STEPPING_SHARE = 0.8;

type Reading = { readonly idleMs: number; readonly atMs: number };

export class IdleCores {
  readonly #read: () => readonly CpuInfo[];
  #since: Reading | undefined;
  #steppedMs = 0;

  /** `read`: for tests. */
  constructor(read: () => readonly CpuInfo[] = cpus) {
    this.#read = read;
  }

  /** After a step of `wallMs`. Undefined until there is something to say. */
  during(wallMs: number, atMs: number): number | undefined {
    if (this.#since === undefined) {
      this.#since = this.#reading(atMs);
      return undefined;
    }
    this.#steppedMs += wallMs;
    const { idleMs, atMs: fromMs } = this.#since;
    const elapsedMs = atMs - fromMs;
    if (elapsedMs < WINDOW_MS) return undefined;
    const stepped = this.#steppedMs / elapsedMs;
    this.forget();
    if (stepped < STEPPING_SHARE) return undefined;
    return (this.#reading(atMs).idleMs - idleMs) / elapsedMs;
  }

  forget(): void {
    this.#since = undefined;
    this.#steppedMs = 0;
  }

  /** What runs with less priority than this process makes way for it. */
  #reading(atMs: number): Reading {
    const yields = getPriority() <= 0;
    const idleMs = this.#read()
      .map(({ times }) => times.idle + (yields ? times.nice : 0))
      .reduce((sum, ms) => sum + ms, 0);
    return { idleMs, atMs };
  }
}
