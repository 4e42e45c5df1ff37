/**
 * Tells those who listen who is asked for: the operator of a cluster, which makes pods by it.
 *
 * What is told is always the whole picture, made when it is written. So a listener that reads slowly misses pictures in
 * between and never the last one, and nothing waits for it in memory but one line.
 */
import { type Clock, systemClock } from "@localmodel/kube/time/clock.ts";
import { demandLine, type ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { DemandSource, SleepSeam } from "../directory/model-directory.ts";

/** Between two lines at least, by what the second one is for. */
export const PAUSE_MS = {
  /** A model begins or ceases to be asked for. */
  edge: 10,
  numbers: 250,
  /** Nothing: it shows that the listener is still heard. */
  heartbeat: 5000,
} as const;

type Reason = keyof typeof PAUSE_MS;

type Listener = {
  /** False: it takes no more, until `Subscription.resume`. */
  readonly write: (line: string) => boolean;
  readonly end: () => void;
};

export class DemandFeed implements SleepSeam {
  readonly #pod: string;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #subscriptions = new Set<Subscription>();
  readonly #sleepAskedAtMs = new Map<string, number>();
  #demand: DemandSource | undefined;

  constructor(pod: string, clock: Clock = systemClock) {
    this.#pod = pod;
    this.#clock = clock;
    this.#startedAtMs = clock.date().getTime();
  }

  get listeners(): number {
    return this.#subscriptions.size;
  }

  watch(demand: DemandSource): void {
    this.#demand = demand;
  }

  changed(id: string, { isAwaited } = { isAwaited: false }): void {
    if (this.#subscriptions.size === 0) return;
    const isAskedFor = this.#demand?.isAskedFor(id);
    if (isAskedFor === undefined) return;
    for (const subscription of this.#subscriptions) {
      const isEdge = isAwaited || isAskedFor !== subscription.knows(id);
      subscription.due(isEdge ? "edge" : "numbers", id);
    }
  }

  unload({ id, server = "" }: DirectoryModel): void {
    this.#sleepAskedAtMs.set(server, this.#clock.date().getTime());
    for (const subscription of this.#subscriptions) subscription.due("edge", id);
  }

  /** The first line is written before this returns. */
  subscribe(listener: Listener): Subscription {
    const subscription: Subscription = new Subscription(listener, {
      clock: this.#clock,
      line: () => this.#line(),
      isAskedFor: (id) => this.#demand?.isAskedFor(id) === true,
      ended: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    subscription.start();
    return subscription;
  }

  /** Tells the last picture, and no more. */
  end(): void {
    for (const subscription of this.#subscriptions) subscription.finish();
  }

  #line(): string {
    const models = (this.#demand?.models() ?? []).map((model) => this.#withWish(model));
    return demandLine({ pod: this.#pod, startedAtMs: this.#startedAtMs, models });
  }

  #withWish(model: ModelDemand): ModelDemand {
    const sleepAskedAtMs = this.#sleepAskedAtMs.get(`${model.namespace}/${model.name}`);
    return sleepAskedAtMs === undefined ? model : { ...model, sleepAskedAtMs };
  }
}

type SubscriptionOptions = {
  readonly clock: Clock;
  readonly line: () => string;
  readonly isAskedFor: (id: string) => boolean;
  readonly ended: () => void;
};

class Subscription implements Disposable {
  readonly #listener: Listener;
  readonly #options: SubscriptionOptions;
  /** Ids that were asked for in what was told last, as far as they have changed since the beginning. */
  readonly #asked = new Set<string>();
  /** Ids that have changed since. */
  readonly #changed = new Set<string>();
  #toldAtMs = -Infinity;
  #dueAtMs = Infinity;
  #timer: Disposable | undefined;
  #isFull = false;

  constructor(listener: Listener, options: SubscriptionOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  start(): void {
    this.#tell();
  }

  /** Whether it has been told that this id is asked for. */
  knows(id: string): boolean {
    return this.#asked.has(id);
  }

  due(reason: Reason, id?: string): void {
    if (id !== undefined) this.#changed.add(id);
    if (this.#isFull) return;
    const atMs = this.#toldAtMs + PAUSE_MS[reason];
    if (atMs >= this.#dueAtMs) return;
    this.#timer?.[Symbol.dispose]();
    this.#dueAtMs = atMs;
    // Never at once: what has changed may be in the middle of changing.
    const inMs = Math.max(0, atMs - this.#options.clock.nowMs());
    this.#timer = this.#options.clock.schedule(inMs, () => this.#tell());
  }

  /** The listener takes more. */
  resume(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.due("edge");
  }

  finish(): void {
    this.#tell();
    this[Symbol.dispose]();
    this.#listener.end();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#isFull = true;
    this.#options.ended();
  }

  #tell(): void {
    this.#timer?.[Symbol.dispose]();
    this.#dueAtMs = Infinity;
    this.#toldAtMs = this.#options.clock.nowMs();
    const { isAskedFor } = this.#options;
    for (const id of this.#changed) {
      if (isAskedFor(id)) this.#asked.add(id);
      else this.#asked.delete(id);
    }
    this.#changed.clear();
    this.#isFull = !this.#listener.write(this.#options.line());
    this.due("heartbeat");
  }
}
