/**
 * How many caches are being filled from each host: from the caches, and what passes have just decided.
 *
 * As with upgrades (fleet.ts), several workers decide at the same time, and caches show what they wrote a moment later.
 */
import type { Change } from "@localmodel/kube/cache/object-cache.ts";
import { type Pod, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { COMPONENT_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import type { Downloads } from "../model/downloads.ts";
import { HOST_ANNOTATION } from "../objects/fetch-pod.ts";
import { FETCH_COMPONENT } from "../objects/metadata.ts";
import { isOver } from "../status/pod-problem.ts";
import { type Caches, modelKeysOf } from "./caches.ts";

export class DownloadsView {
  readonly #caches: Pick<Caches, "sets">;
  readonly #maxPerHost: number;
  /** By key of the LocalModel: the host that its pod, which is not seen yet, downloads from. */
  readonly #begun = new Map<string, string>();
  readonly #waiting = new Set<string>();

  constructor(caches: Pick<Caches, "sets">, maxPerHost: number) {
    this.#caches = caches;
    this.#maxPerHost = maxPerHost;
  }

  /** As the model with this key has to count them. */
  besides(key: string): Downloads {
    return {
      maxPerHost: this.#maxPerHost,
      othersFrom: (host) => {
        const hosts = new Map([...this.#begun, ...this.#running()]);
        return [...hosts].filter(([other, its]) => other !== key && its === host).length;
      },
    };
  }

  /** What a pass has decided. Counts at once. */
  decided(key: string, { from, waits }: { from?: string; waits: boolean }): void {
    if (from === undefined) this.#begun.delete(key);
    else this.#begun.set(key, from);
    if (waits) this.#waiting.add(key);
    else this.#waiting.delete(key);
  }

  /** Who may have a turn now that a pod has come to its end. */
  concernedBy({ type, object }: Change<KubeObject>): readonly string[] {
    if (this.#waiting.size === 0 || !isFetchPod(object)) return [];
    return type === "deleted" || isOver(object) ? [...this.#waiting] : [];
  }

  forget(key: string): void {
    this.#begun.delete(key);
    this.#waiting.delete(key);
  }

  #running(): readonly (readonly [string, string])[] {
    const pods = this.#caches.sets.flatMap((set) => (set.cacheOf(PODS)?.list() ?? []) as Pod[]);
    return pods
      .filter((pod) => isFetchPod(pod) && !isOver(pod))
      .flatMap((pod) =>
        modelKeysOf(pod).map(
          (key) => [key, pod.metadata.annotations?.[HOST_ANNOTATION] ?? ""] as const,
        ),
      );
  }
}

function isFetchPod({ metadata }: KubeObject): boolean {
  return metadata.labels?.[COMPONENT_LABEL] === FETCH_COMPONENT;
}
