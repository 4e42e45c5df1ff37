/**
 * The scale of every model that scales, as this process knows it: moved on with each picture of the demand, and looked up
 * by passes.
 *
 * A change of demand alone costs no pass, unless it changes how many replicas there should be, or when to look again, or
 * whether all of them sleep, and why. What is remembered here and not in the API server are the stretches in which more or fewer were needed; a new leader starts
 * them anew.
 */
import { isDeepStrictEqual } from "node:util";
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

type Known = Pick<Given, "bounds" | "pods" | "replicas"> & {
  readonly scale: Scale;
} & Pick<ModelLoad, "lack"> &
  Partial<Pick<ModelLoad, "isUnloaded">>;

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
    const load = this.#loadOf(key, { pods, replicas });
    const scale = nextScale(standing(before, replicas, { load, nowMs }), bounds, load, nowMs);
    const model = this.#view?.loadOf(key) ?? NO_LOAD;
    const { isUnloaded, lack } = model;
    this.#known.set(key, { scale, bounds, pods, replicas, isUnloaded, lack });
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
    const { bounds } = known;
    const { desired, reason, surplus } = known.scale;
    const nowMs = this.#nowMs();
    const load = this.#loadOf(key, known);
    const scale = nextScale(known.scale, bounds, load, nowMs);
    const { isUnloaded, lack } = this.#view?.loadOf(key) ?? NO_LOAD;
    // The pass that lets pods go decides it, by what is at them then.
    if (scale.desired >= desired) this.#known.set(key, { ...known, scale, isUnloaded, lack });
    const isSame =
      isUnloaded === known.isUnloaded &&
      isDeepStrictEqual(lack, known.lack) &&
      scale.desired === desired &&
      scale.reason === reason &&
      scale.surplus === surplus;
    if (!isSame) return this.#wakes.now(key);
    const inMs = againInMs(scale, { bounds, load, nowMs });
    if (inMs !== undefined) this.#wakes.later(key, inMs);
  }

  #loadOf(key: string, { pods, replicas = 0 }: Pick<Given, "pods" | "replicas">): Load {
    const { inFlight, queued, lastUsedMs, isSentToSleep, inFlightByPod } =
      this.#view?.loadOf(key) ?? NO_LOAD;
    return {
      requests: inFlight + queued,
      lastUsedMs,
      isSentToSleep,
      isWhole: this.#view?.isWhole ?? false,
      idlePods:
        pods.filter((pod) => (inFlightByPod.get(pod) ?? 0) === 0).length +
        Math.max(0, replicas - pods.length),
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

/** Fewer that were decided and never written hold only while as many pods are idle; else it begins anew. */
function standing(
  scale: Scale,
  replicas: number | undefined,
  { load, nowMs }: Pick<Moment, "load" | "nowMs">,
): Scale {
  if (replicas === undefined || replicas - scale.desired <= load.idlePods) return scale;
  return { ...scale, desired: replicas, sinceMs: nowMs, over: undefined, under: undefined };
}

type Moment = { readonly bounds: Bounds; readonly load: Load; readonly nowMs: number };

/** While a model is used its last use is written from time to time. */
function againInMs(scale: Scale, { bounds, load, nowMs }: Moment): number | undefined {
  const dueInMs = changesInMs(scale, bounds, load, nowMs);
  if (load.requests === 0) return dueInMs;
  return Math.min(dueInMs ?? Infinity, slackMs(bounds));
}
