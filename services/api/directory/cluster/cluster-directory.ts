/**
 * Keeps the directory of a cluster current: watches LocalModels and the EndpointSlices of their Services.
 *
 * A change only marks the directory as outdated. It is derived anew when somebody asks, so that a burst of
 * changes costs one derivation; where pods may sleep, also soon after, so that they are listened to from the start. While the API server is away the caches stay as they are, and so does the
 * directory: pods go on being served.
 */
import type { ClusterAccess } from "@localmodel/kube/access/access.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import type { Log } from "@localmodel/kube/log.ts";
import { type KubeObject, keyOf } from "@localmodel/kube/objects/objects.ts";
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import type { Scope } from "@localmodel/kube/objects/scope.ts";
import { Transport, type TransportOptions } from "@localmodel/kube/wire/transport.ts";
import { LOCAL_MODEL_RESOURCE } from "@localmodel/localmodel/cluster/crd.ts";
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { modelLoading } from "@localmodel/inference/unavailability.ts";
import type { ModelDirectory, SleepSeam } from "../model-directory.ts";
import { directoryOf } from "./directory-of.ts";
import { type ObservedModel, observedModel } from "./observed-model.ts";
import { type ServerKeyOf, Sleepers } from "./sleepers.ts";

export type ClusterDirectoryOptions = {
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly log: Log;
  /** Whom to tell who is asked for. */
  readonly sleep?: SleepSeam;
  readonly serverKeys?: ServerKeyOf;
  readonly transport?: TransportOptions;
};

/** From a change until new pods are listened to. */
const SETTLE_MS = 50;

const LOCAL_MODELS = defineResource(LOCAL_MODEL_RESOURCE);

/** What becomes of one object: gone when undefined. */
type Changed<T> = (key: string, object: T | undefined) => void;

export class ClusterDirectory implements ModelDirectory, AsyncDisposable {
  readonly sleep: SleepSeam;
  readonly #log: Log;
  readonly #transport: Transport;
  readonly #reflectors: Pick<Reflector, "hasSynced">[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #stop = new AbortController();
  readonly #models = new Map<string, ObservedModel>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #sleepers: Sleepers;
  #derived: Directory | undefined;
  #settling: NodeJS.Timeout | undefined;

  constructor(
    access: ClusterAccess,
    { namespaces, log, sleep, serverKeys, transport }: ClusterDirectoryOptions,
  ) {
    this.#sleepers = new Sleepers({
      current: () => (this.known ? this.current() : undefined),
      onChange: () => void (this.#derived = undefined),
      serverKeys,
      next: sleep,
      log,
    });
    this.sleep = this.#sleepers.seam;
    this.#log = log;
    this.#transport = new Transport(access, { userAgent: "localmodel-api", ...transport });
    const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
    for (const place of places) {
      this.#follow({ ...place, resource: LOCAL_MODELS }, (key, object) =>
        this.#modelChanged(key, object),
      );
      const slices = { ...place, resource: ENDPOINT_SLICES, labelSelector: MODEL_LABEL };
      this.#follow(slices, (key, slice) => {
        if (slice === undefined) this.#slices.delete(key);
        else this.#slices.set(key, slice);
      });
    }
  }

  /** Whether everything has been listed once. */
  get known(): boolean {
    return this.#reflectors.every(({ hasSynced }) => hasSynced);
  }

  current(): Directory {
    if (!this.known) throw modelLoading("The list of models is not known yet.", 1);
    return (this.#derived ??= this.#derive());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#settling);
    this.#sleepers[Symbol.dispose]();
    await Promise.all(this.#running);
    await this.#transport[Symbol.asyncDispose]();
  }

  #derive(): Directory {
    const { residenceOf } = this.#sleepers;
    const derived = directoryOf(this.#models.values(), this.#slices.values(), residenceOf);
    this.#sleepers.follow(derived);
    return derived;
  }

  #changed(): void {
    this.#derived = undefined;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      const maySleep = [...this.#models.values()].some(
        ({ scaling }) => scaling?.sleep === "unload",
      );
      if (maySleep && this.known) this.current();
    }, SETTLE_MS).unref();
  }

  #follow<T extends KubeObject>(scope: Scope<T>, changed: Changed<T>): void {
    const reflector = new Reflector(this.#transport, scope, { log: this.#log });
    reflector.cache.listen(({ type, object }) => {
      this.#changed();
      changed(keyOf(object.metadata), type === "deleted" ? undefined : object);
    });
    this.#reflectors.push(reflector);
    this.#running.push(reflector.run(this.#stop.signal));
  }

  #modelChanged(key: string, object: KubeObject | undefined): void {
    this.#models.delete(key);
    if (object === undefined) return;
    try {
      this.#models.set(key, observedModel(object));
    } catch (error) {
      this.#log.warn("a LocalModel cannot be read and is not served", {
        object: key,
        error: error instanceof Error ? error.message : error,
      });
    }
  }
}
