/**
 * The queue between events and work. It promises:
 *
 *   - a key that waits is not queued again: ten events, one pass;
 *   - a key is never worked on twice at a time: added meanwhile, it comes back once it is done;
 *   - a key put off until later comes at the earliest time anybody asked for, and a plain `add` puts an
 *     end to the waiting: the pass it brings decides anew when the next one is due;
 *   - what is new goes before what everything needs after a start (low priority).
 *
 * The first two are client-go's, the others those of controller-runtime's priority queue.
 */
import type { Clock } from "../time/clock.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { QueueMetrics } from "./queue-metrics.ts";
import { RetryLimiter, type RetryLimits } from "./retry-limiter.ts";

export type Priority = "normal" | "low";

type QueueOptions = {
  readonly clock: Clock;
  readonly metrics: MetricRegistry;
  readonly limits?: RetryLimits;
};

type Later = { readonly atMs: number; readonly priority: Priority; readonly timer: Disposable };
type Entry = { readonly priority: Priority; readonly sinceMs: number };

export class WorkQueue {
  readonly #clock: Clock;
  readonly #limiter: RetryLimiter;
  readonly #metrics: QueueMetrics;
  /** Keys by priority, in the order they came, with the time they came. */
  readonly #ready = { normal: new Map<string, number>(), low: new Map<string, number>() };
  readonly #running = new Map<string, number>();
  /** Added while running. */
  readonly #again = new Map<string, Entry>();
  readonly #later = new Map<string, Later>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #idle = Promise.withResolvers<void>();
  #closed = false;

  constructor(name: string, { clock, metrics, limits }: QueueOptions) {
    this.#clock = clock;
    this.#limiter = new RetryLimiter(clock, limits);
    this.#metrics = new QueueMetrics(metrics, name, {
      depth: { normal: () => this.#ready.normal.size, low: () => this.#ready.low.size },
      runningMs: () => [...this.#running.values()].map((sinceMs) => clock.nowMs() - sinceMs),
    });
  }

  /** Keys that wait to be taken now. */
  get size(): number {
    return this.#ready.normal.size + this.#ready.low.size;
  }

  add(key: string, priority: Priority = "normal"): void {
    if (this.#closed) return;
    const wanted = this.#callOff(key) === "normal" ? "normal" : priority;
    const entry = { priority: wanted, sinceMs: this.#clock.nowMs() };
    if (this.#running.has(key)) this.#addAgain(key, entry);
    else this.#addReady(key, entry);
  }

  addAfter(key: string, delayMs: number, priority: Priority = "normal"): void {
    if (delayMs <= 0) return this.add(key, priority);
    // A pass that is to come anyway comes sooner.
    if (this.#closed || this.#isDue(key)) return;
    const atMs = this.#clock.nowMs() + delayMs;
    const known = this.#later.get(key);
    if (known !== undefined && known.atMs <= atMs) return;
    known?.timer[Symbol.dispose]();
    const timer = this.#clock.schedule(delayMs, () => this.add(key, priority));
    this.#later.set(key, { atMs, priority, timer });
  }

  /** Later and later, until `forget`. */
  addRateLimited(key: string, priority: Priority = "normal"): void {
    if (this.#closed) return;
    this.#metrics.retried();
    this.addAfter(key, this.#limiter.nextMs(key), priority);
  }

  /** The key did well: its next failure is its first. */
  forget(key: string): void {
    this.#limiter.forget(key);
  }

  failures(key: string): number {
    return this.#limiter.failures(key);
  }

  /** The next key, as soon as there is one; undefined once the queue is closed. Give it back by `done`. */
  take(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    if (this.#closed) resolve(undefined);
    else this.#takers.push(resolve);
    this.#serve();
    return promise;
  }

  done(key: string): void {
    const sinceMs = this.#running.get(key);
    if (sinceMs === undefined) throw new Error(`"${key}" is done, but nobody has taken it`);
    this.#running.delete(key);
    this.#metrics.done(this.#clock.nowMs() - sinceMs);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again !== undefined && !this.#closed) this.#addReady(key, again);
    if (this.#closed && this.#running.size === 0) this.#idle.resolve();
  }

  /** Drops what waits, takes no more; resolves when everything that was taken is done. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#later.values()) timer[Symbol.dispose]();
    this.#later.clear();
    this.#ready.normal.clear();
    this.#ready.low.clear();
    for (const resolve of this.#takers.splice(0)) resolve(undefined);
    if (this.#running.size === 0) this.#idle.resolve();
    await this.#idle.promise;
  }

  #isDue(key: string): boolean {
    return this.#again.has(key) || this.#ready.normal.has(key) || this.#ready.low.has(key);
  }

  /** Ends the waiting of a key, and tells how urgent it was. */
  #callOff(key: string): Priority | undefined {
    const later = this.#later.get(key);
    later?.timer[Symbol.dispose]();
    this.#later.delete(key);
    return later?.priority;
  }

  #addAgain(key: string, entry: Entry): void {
    const known = this.#again.get(key);
    if (known === undefined) this.#metrics.added();
    if (known?.priority !== "normal") {
      this.#again.set(key, { ...entry, sinceMs: known?.sinceMs ?? entry.sinceMs });
    }
  }

  #addReady(key: string, { priority, sinceMs }: Entry): void {
    const { normal, low } = this.#ready;
    if (normal.has(key) || (low.has(key) && priority === "low")) return;
    const waitingSinceMs = low.get(key);
    if (waitingSinceMs === undefined) this.#metrics.added();
    low.delete(key);
    this.#ready[priority].set(key, waitingSinceMs ?? sinceMs);
    this.#serve();
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const queue = this.#ready.normal.size > 0 ? this.#ready.normal : this.#ready.low;
      const next = queue.entries().next();
      if (next.done === true) return;
      const [key, sinceMs] = next.value;
      const nowMs = this.#clock.nowMs();
      queue.delete(key);
      this.#running.set(key, nowMs);
      this.#metrics.taken(nowMs - sinceMs);
      this.#takers.shift()?.(key);
    }
  }
}
