/**
 * What all API pods are asked for, together: from the latest picture of each.
 *
 * It is whole while every pod that the slices name is heard. Their clocks are believed only once, for what a picture says
 * of the time before it was listened to; from then on a model is used when its entry moves.
 */
import { isDeepStrictEqual } from "node:util";
import type { DemandPicture, Lack, ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type { ApiPod } from "./api-pods.ts";

export type ModelLoad = {
  readonly inFlight: number;
  readonly queued: number;
  /** 0: never that anybody knows. */
  readonly lastUsedMs: number;
  readonly isSentToSleep: boolean;
  /** Whether its pods are there and none has its weights in memory; undefined where nobody can tell. */
  readonly isUnloaded: boolean | undefined;
  /** Why not, where they were to be. */
  readonly lack?: Lack | undefined;
  /** By name of the model's pod. */
  readonly inFlightByPod: ReadonlyMap<string, number>;
  /** Beginnings of prompts that are likely to be cached there. */
  readonly rememberedByPod: ReadonlyMap<string, number>;
};

type Entries = ReadonlyMap<string, ModelDemand>;
type Heard = { readonly startedAtMs: number; readonly models: Entries };
type Source = {
  readonly isServing: boolean;
  /** Nobody listens there: who does not run holds nothing. */
  readonly isRefused: boolean;
  readonly heard?: Heard;
};

const SILENT = { isServing: true, isRefused: false };

export class DemandView {
  readonly #sources = new Map<string, Source>();
  readonly #lastUsedMs = new Map<string, number>();

  /** No pod at all says nothing: somebody may be about to start some. */
  get isWhole(): boolean {
    const sources = [...this.#sources.values()];
    return (
      sources.length > 0 &&
      sources.every(
        ({ heard, isServing, isRefused }) => heard !== undefined || (isRefused && !isServing),
      )
    );
  }

  /** Only who leads listens. */
  get isListening(): boolean {
    return this.#sources.size > 0;
  }

  /** Those that there are; what others have said is forgotten. */
  setPods(pods: readonly ApiPod[]): readonly string[] {
    const ids = new Set(pods.map(({ id }) => id));
    const gone = [...this.#sources.keys()].filter((id) => !ids.has(id));
    const concerned = gone.flatMap((id) => this.#namedBy(id));
    for (const id of gone) this.#sources.delete(id);
    for (const { id, isServing } of pods) {
      this.#sources.set(id, { ...(this.#sources.get(id) ?? SILENT), isServing });
    }
    return [...new Set(concerned)];
  }

  /** Tells which models' entries have changed. */
  hear(id: string, picture: DemandPicture, nowMs: number): readonly string[] {
    const source = this.#sources.get(id);
    if (source === undefined) return [];
    const models = new Map(picture.models.map((model) => [keyOf(model), model]));
    const { startedAtMs } = picture;
    const before = source.heard?.startedAtMs === startedAtMs ? source.heard.models : undefined;
    for (const [key, { lastAskedAtMs }] of models) {
      this.#use(
        key,
        before === undefined ? lastAskedAtMs : movedAt(before.get(key), lastAskedAtMs, nowMs),
        nowMs,
      );
    }
    this.#sources.set(id, { ...source, isRefused: false, heard: { startedAtMs, models } });
    return changedKeys(source.heard?.models ?? new Map(), models);
  }

  /** The connection is gone, and what was said last no longer counts. */
  lose(id: string, isRefused: boolean): readonly string[] {
    const source = this.#sources.get(id);
    if (source === undefined) return [];
    const concerned = this.#namedBy(id);
    const { isServing } = source;
    this.#sources.set(id, { isServing, isRefused });
    return concerned;
  }

  loadOf(key: string): ModelLoad {
    const entries = [...this.#sources.values()].flatMap(
      ({ heard }) => heard?.models.get(key) ?? [],
    );
    const servers = entries.flatMap((entry) => entry.servers);
    return {
      inFlight: sum(entries.map(({ inFlight }) => inFlight)),
      queued: sum(entries.map(({ queued }) => queued)),
      lastUsedMs: this.#lastUsedMs.get(key) ?? 0,
      isSentToSleep: isSentToSleep(entries),
      isUnloaded: this.#isUnloaded(entries),
      lack: entries.find(({ lack }) => lack !== undefined)?.lack,
      inFlightByPod: sumByPod(servers, ({ inFlight }) => inFlight),
      rememberedByPod: sumByPod(servers, ({ remembered = 0 }) => remembered),
    };
  }

  #isUnloaded(entries: readonly ModelDemand[]): boolean | undefined {
    if (entries.some((entry) => entry.isUnloaded === true)) return true;
    return this.isWhole ? false : undefined;
  }

  forget(key: string): void {
    this.#lastUsedMs.delete(key);
  }

  #use(key: string, timeMs: number, nowMs: number): void {
    const known = this.#lastUsedMs.get(key) ?? 0;
    this.#lastUsedMs.set(key, Math.max(known, Math.min(timeMs, nowMs)));
  }

  #namedBy(id: string): readonly string[] {
    return [...(this.#sources.get(id)?.heard?.models.keys() ?? [])];
  }
}

/** 0: not since it was last looked at. */
function movedAt(before: ModelDemand | undefined, lastAskedAtMs: number, nowMs: number): number {
  return lastAskedAtMs === 0 || before?.lastAskedAtMs === lastAskedAtMs ? 0 : nowMs;
}

function isSentToSleep(entries: readonly ModelDemand[]): boolean {
  const askedMs = Math.max(...entries.map(({ sleepAskedAtMs = 0 }) => sleepAskedAtMs));
  return askedMs > 0 && entries.every(({ lastCameAtMs }) => lastCameAtMs <= askedMs);
}

function changedKeys(before: Entries, after: Entries): readonly string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => !isSame(before.get(key), after.get(key)));
}

function isSame(a: ModelDemand | undefined, b: ModelDemand | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.inFlight === b.inFlight &&
    a.queued === b.queued &&
    a.lastAskedAtMs === b.lastAskedAtMs &&
    a.sleepAskedAtMs === b.sleepAskedAtMs &&
    a.isUnloaded === b.isUnloaded &&
    isDeepStrictEqual(a.lack, b.lack)
  );
}

function keyOf({ namespace, name }: ModelDemand): string {
  return `${namespace}/${name}`;
}

type Server = ModelDemand["servers"][number];

function sumByPod(
  servers: readonly Server[],
  read: (server: Server) => number,
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const server of servers) sums.set(server.pod, (sums.get(server.pod) ?? 0) + read(server));
  return sums;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
