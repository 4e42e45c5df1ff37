/**
 * Runs passes: takes keys from its queue, one worker per key, and gives them back according to how the
 * pass ended (reconcile.ts).
 */
import { type Clock, systemClock } from "../time/clock.ts";
import { ControllerMetrics } from "./controller-metrics.ts";
import { Deadline } from "../time/deadline.ts";
import { type Log, withFields } from "../log.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Change, ObjectCache } from "../cache/object-cache.ts";
import { type KubeObject, keyOf, nameOf } from "../objects/objects.ts";
import { isBug, type Outcome, type Reconcile } from "./reconcile.ts";
import type { RetryLimits } from "./retry-limiter.ts";
import { WorkQueue } from "./work-queue.ts";
import type { WrittenVersions } from "../cache/written-versions.ts";

export type ControllerOptions = {
  readonly log: Log;
  readonly metrics: MetricRegistry;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly workers?: number;
  /** For one pass. */
  readonly timeoutMs?: number;
  /** How often everything is looked at again although nothing changed, give or take a tenth. */
  readonly resyncMs?: number;
  /** Passes wait until they can read what passes before them wrote. */
  readonly written?: WrittenVersions;
  readonly limits?: RetryLimits;
};

/** Which keys a change concerns. Called for the object as it is, and for the one it replaced. */
type KeysOf<T> = (object: T, change: Change<T>) => readonly string[];

const WORKERS = 4;
const PASS_TIMEOUT_MS = 120_000;
const RESYNC_MS = 10 * 3600 * 1000;

export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #reconcile: Reconcile;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #metrics: ControllerMetrics;
  readonly #workers: number;
  readonly #resync = new Set<() => void>();
  #active = 0;
  #passes = 0;

  constructor(name: string, reconcile: Reconcile, options: ControllerOptions) {
    const { clock = systemClock, metrics, workers = WORKERS, limits } = options;
    this.name = name;
    this.queue = new WorkQueue(name, { clock, metrics, ...(limits && { limits }) });
    this.#reconcile = reconcile;
    this.#options = options;
    this.#clock = clock;
    this.#workers = workers;
    const reading = { workers, active: () => this.#active };
    this.#metrics = new ControllerMetrics(metrics, name, reading);
  }

  /** The controller's own kind: changes of an object concern its key, and resyncs go over all. */
  owns<T extends KubeObject>(cache: ObjectCache<T>): void {
    this.watches(cache, (object) => [keyOf(object.metadata)]);
    this.#resync.add(() => {
      for (const { metadata } of cache.list()) this.queue.add(keyOf(metadata), "low");
    });
  }

  watches<T extends KubeObject>(cache: ObjectCache<T>, keysOf: KeysOf<T>): void {
    cache.listen((change) => {
      const priority = change.type === "added" && change.initial ? "low" : "normal";
      const concerned =
        change.type === "updated" ? [change.previous, change.object] : [change.object];
      for (const key of new Set(concerned.flatMap((object) => keysOf(object, change)))) {
        this.queue.add(key, priority);
      }
    });
  }

  /**
   * Works until `stop` aborts, then lets passes under way come to their end; `kill` ends those as well.
   */
  async run(stop: AbortSignal, kill: AbortSignal = stop): Promise<void> {
    if (stop.aborted) return;
    using _resync = this.#startResync();
    const workers = Array.from({ length: this.#workers }, () => this.#work(stop, kill));
    stop.addEventListener("abort", () => void this.queue.close(), { once: true });
    await Promise.all(workers);
  }

  async #work(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.take();
      if (key === undefined) return;
      this.#active += 1;
      await this.#pass(key, kill);
      this.#active -= 1;
      void this.#giveBack(key, stop);
    }
  }

  /**
   * Once the caches show what the pass wrote: until then the next one could not begin, and all that is told of
   * these writes becomes one pass. The worker does not wait for it.
   */
  async #giveBack(key: string, stop: AbortSignal): Promise<void> {
    // If they do not show it in time, the next pass says so.
    await this.#options.written?.seen(key, stop).catch(() => {});
    this.queue.done(key);
  }

  async #pass(key: string, kill: AbortSignal): Promise<void> {
    const fields = { controller: this.name, object: key, reconcileId: (this.#passes += 1) };
    const log = withFields(this.#options.log, fields);
    const { timeoutMs = PASS_TIMEOUT_MS } = this.#options;
    const late = (): Error => {
      this.#metrics.failed("timeout");
      return new Error(`the pass took longer than ${timeoutMs / 1000} s`);
    };
    const startMs = this.#clock.nowMs();
    using deadline = new Deadline(this.#clock, timeoutMs, late, [kill]);
    const { signal } = deadline;
    try {
      await this.#options.written?.seen(key, signal);
      const outcome = await this.#reconcile({ key, name: nameOf(key), signal, log });
      this.#succeeded(key, outcome, startMs);
    } catch (error) {
      if (kill.aborted) log.info("a pass was ended before its end");
      else this.#failed(key, error, { startMs, log });
    }
  }

  #succeeded(key: string, outcome: Outcome, startMs: number): void {
    const tookMs = this.#clock.nowMs() - startMs;
    if (outcome === "requeue") {
      this.queue.addRateLimited(key);
      return this.#metrics.finished("requeue", tookMs);
    }
    this.queue.forget(key);
    if (outcome === undefined) return this.#metrics.finished("success", tookMs);
    this.queue.addAfter(key, outcome.requeueAfterMs);
    this.#metrics.finished("requeue_after", tookMs);
  }

  #failed(key: string, error: unknown, { startMs, log }: { startMs: number; log: Log }): void {
    if (isBug(error)) this.#metrics.failed("panic");
    this.queue.addRateLimited(key);
    this.#metrics.finished("error", this.#clock.nowMs() - startMs);
    log.error("a pass failed", { failures: this.queue.failures(key), error });
  }

  #startResync(): Disposable {
    const { resyncMs = RESYNC_MS, random = Math.random } = this.#options;
    let timer: Disposable;
    const plan = (): void => {
      timer = this.#clock.schedule(resyncMs * (0.9 + 0.2 * random()), () => {
        for (const addAll of this.#resync) addAll();
        plan();
      });
    };
    plan();
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }
}
