/**
 * How many of the machine's cores had nothing to do, while the engine stepped.
 *
 * Processors are read at most five times a second, whose clock ticks every hundredth. Between two steps the engine leaves cores idle that its threads are going to
 * need, so those do not count; but they keep nobody from seeing the others, or an engine that is asked for something
 * short now and then would never have more threads again.
 */
import { type CpuInfo, cpus, getPriority } from "node:os";

const WINDOW_MS = 200;
type Reading = { readonly idleMs: number; readonly atMs: number };

export class IdleCores {
  readonly #read: () => readonly CpuInfo[];
  #since: Reading | undefined;
  #steppedMs = 0;

  /** `read`: for tests. */
  constructor(read: () => readonly CpuInfo[] = cpus) {
    this.#read = read;
  }

  /** After a step of `wallMs` with so many threads. Undefined until there is something to say. */
  during(wallMs: number, threads: number, atMs: number): number | undefined {
    if (this.#since === undefined) {
      this.#since = this.#reading(atMs);
      return undefined;
    }
    this.#steppedMs += wallMs;
    const { idleMs, atMs: fromMs } = this.#since;
    const elapsedMs = atMs - fromMs;
    if (elapsedMs < WINDOW_MS) return undefined;
    const waitedMs = Math.max(0, elapsedMs - this.#steppedMs);
    this.forget();
    return (this.#reading(atMs).idleMs - idleMs - threads * waitedMs) / elapsedMs;
  }

  /** A step of another kind, in which the engine wanted what it had. */
  beside(wallMs: number): void {
    if (this.#since !== undefined) this.#steppedMs += wallMs;
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
