/**
 * A clock that stands still until a test moves it.
 *
 * Timers fire in order of time, each at its own moment, and between two of them promises get to run.
 */
import type { Clock } from "../clock.ts";

type Timer = { readonly atMs: number; readonly callback: () => void };

export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #startMs = Date.UTC(2026, 0, 1);
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#startMs + this.#nowMs);
  }

  schedule(delayMs: number, callback: () => void): Disposable {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  /** How long until each timer fires, soonest first. */
  get pendingMs(): readonly number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#nowMs).toSorted((a, b) => a - b);
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let due = this.#next(untilMs); due !== undefined; due = this.#next(untilMs)) {
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Moves on without letting any timer fire: a process that was stopped and continued. */
  freeze(forMs: number): void {
    this.#nowMs += forMs;
  }

  #next(untilMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs);
    return due.toSorted((a, b) => a.atMs - b.atMs)[0];
  }
}

/** Lets everything that only waits for promises run, and what waits for the network so many times. */
export async function settle(times = 1): Promise<void> {
  for (let i = 0; i < times; i += 1) await new Promise((resolve) => void setImmediate(resolve));
}
