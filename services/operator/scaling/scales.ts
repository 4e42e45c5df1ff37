/**
 * The scale of every model that scales, as this process knows it: moved on with each picture of the demand, and looked up
 * by passes.
 *
 * A change of demand alone costs no pass, unless it changes how many replicas there should be, or when to look again, or
 * whether all of them sleep. What
 * is remembered here and not in the API server are the stretches in which more or fewer were needed; a new leader starts
 * them anew.
 */
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import type { Scale } from "../model/scale.ts";
import type { Bounds } from "./bounds.ts";
import type { DemandView, ModelLoad } from "./demand-view.ts";
import { changesInMs, type Load, nextScale } from "./scale.ts";
import { firstScale, slackMs } from "./scaling-status.ts";

type Given = {
  readonly bounds: Bounds;
  readonly status: LocalModelStatus;
  /** Of the Deployment, if there is one. */
  readonly replicas: number | undefined;
  /** Names of its pods that are not about to go. */
  readonly pods: readonly string[];
};

type Known = {
  readonly scale: Scale;
  readonly bounds: Bounds;
  readonly pods: readonly string[];
  readonly isUnloaded?: boolean | undefined;
};

type Wakes = {
  /** A pass is due now. */
  readonly now: (key: string) => void;
  readonly later: (key: string, inMs: number) => void;
};

export type ScaleStep = {
  readonly scale: Scale;
  readonly load: ModelLoad;
  readonly againInMs: number | undefined;
};

export class Scales {
  readonly #known = new Map<string, Known>();
  /** Undefined: nobody tells of demand. */
  readonly #view: DemandView | undefined;
  readonly #nowMs: () => number;
  readonly #wakes: Wakes;

  constructor(view: DemandView | undefined, nowMs: () => number, wakes: Wakes) {
    this.#view = view;
    this.#nowMs = nowMs;
    this.#wakes = wakes;
  }

  /** For a pass. */
  step(key: string, { bounds, pods, replicas, status: { scaling } }: Given): ScaleStep {
    const nowMs = this.#nowMs();
    const before =
      this.#known.get(key)?.scale ??
      firstScale({ scaling, replicas, isHeard: this.#view !== undefined }, bounds, nowMs);
    const { scale, load } = this.#moveOn(key, { scale: before, bounds, pods });
    const model = this.#view?.loadOf(key) ?? NO_LOAD;
    return { scale, load: model, againInMs: againInMs(scale, { bounds, load, nowMs }) };
  }

  changed(keys: readonly string[] | "all"): void {
    for (const key of keys === "all" ? this.#known.keys() : keys) {
      const known = this.#known.get(key);
      // Its first pass, which is due anyway, comes before those of models that nobody asks for.
      if (known === undefined) this.#wakes.now(key);
      else this.#follow(key, known);
    }
  }

  /** Undefined where nobody is listened to. */
  get isDemandKnown(): boolean | undefined {
    return this.#view?.isListening === true ? this.#view.isWhole : undefined;
  }

  /** Of all models that scale. */
  list(): readonly (readonly [string, Scale, ModelLoad])[] {
    return [...this.#known].map(([key, { scale }]) => [
      key,
      scale,
      this.#view?.loadOf(key) ?? NO_LOAD,
    ]);
  }

  /** It is gone, or does not scale. */
  forget(key: string): void {
    this.#known.delete(key);
    this.#view?.forget(key);
  }

  #follow(key: string, known: Known): void {
    const { scale, load } = this.#moveOn(key, known);
    const { desired, reason } = known.scale;
    const hasSlept = this.#known.get(key)?.isUnloaded !== known.isUnloaded;
    if (hasSlept || scale.desired !== desired || scale.reason !== reason)
      return this.#wakes.now(key);
    const inMs = againInMs(scale, { bounds: known.bounds, load, nowMs: this.#nowMs() });
    if (inMs !== undefined) this.#wakes.later(key, inMs);
  }

  #moveOn(key: string, { scale: before, bounds, pods }: Known) {
    const load = this.#loadOf(key, pods);
    const scale = nextScale(before, bounds, load, this.#nowMs());
    const { isUnloaded } = this.#view?.loadOf(key) ?? NO_LOAD;
    this.#known.set(key, { scale, bounds, pods, isUnloaded });
    return { scale, load };
  }

  #loadOf(key: string, pods: readonly string[]): Load {
    const { inFlight, queued, lastUsedMs, isSentToSleep, inFlightByPod } =
      this.#view?.loadOf(key) ?? NO_LOAD;
    return {
      requests: inFlight + queued,
      lastUsedMs,
      isSentToSleep,
      isWhole: this.#view?.isWhole ?? false,
      idlePods: pods.filter((pod) => (inFlightByPod.get(pod) ?? 0) === 0).length,
    };
  }
}

const NO_LOAD: ModelLoad = {
  inFlight: 0,
  queued: 0,
  lastUsedMs: 0,
  isSentToSleep: false,
  isUnloaded: undefined,
  inFlightByPod: new Map(),
  rememberedByPod: new Map(),
};

type Moment = { readonly bounds: Bounds; readonly load: Load; readonly nowMs: number };

/** While a model is used its last use is written from time to time. */
function againInMs(scale: Scale, { bounds, load, nowMs }: Moment): number | undefined {
  const dueInMs = changesInMs(scale, bounds, load, nowMs);
  if (load.requests === 0) return dueInMs;
  return Math.min(dueInMs ?? Infinity, slackMs(bounds));
}
