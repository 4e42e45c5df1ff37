/**
 * Reading your own writes: a pass waits until the caches show what the passes before it wrote.
 *
 * Without this a pass that comes right after a write sees the cluster as it was before, and does it
 * again or undoes it. What a write resulted in is remembered per key until the cache of that kind has
 * caught up. Deletions leave no version behind and are not waited for.
 */
import type { Clock } from "../time/clock.ts";
import { Deadline } from "../time/deadline.ts";
import type { KubeObject } from "../objects/objects.ts";
import type { ObjectCache } from "./object-cache.ts";
import { compareVersions } from "./resource-version.ts";
import { apiVersionOf, type Resource } from "../objects/resource.ts";

/** The caches are behind; the pass should be tried again later. */
class StaleCacheError extends Error {
  override readonly name = "StaleCacheError";
}

type WrittenVersion = { readonly version: string; readonly atMs: number };
type Pending = Map<ObjectCache, WrittenVersion>;

/** A watch tells of a write within milliseconds; while it is down, nothing should be done. */
const PATIENCE_MS = 10_000;
/** A version that has not come by then never will: the server was restored from a backup. */
const FORGET_MS = 300_000;

export class WrittenVersions {
  readonly #clock: Clock;
  readonly #caches = new Map<string, ObjectCache>();
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Writes to this resource, in this namespace or in all, will be seen in this cache. */
  seenIn(resource: Resource, cache: ObjectCache, namespace?: string): void {
    this.#caches.set(idOf(resource, namespace), cache);
  }

  /** `key`: whose pass it was. `written`: what the API server returned. */
  record(key: string, resource: Resource, written: KubeObject): void {
    const { namespace, resourceVersion: version } = written.metadata;
    const cache = this.#caches.get(idOf(resource, namespace)) ?? this.#caches.get(idOf(resource));
    if (cache === undefined || version === undefined || cache.hasSeen(version)) return;
    let pending = this.#pending.get(key);
    if (pending === undefined) this.#pending.set(key, (pending = new Map()));
    const known = pending.get(cache);
    if (known === undefined || (compareVersions(known.version, version) ?? -1) < 0) {
      pending.set(cache, { version, atMs: this.#clock.nowMs() });
    }
  }

  /** Resolves when every write of the key's passes can be read, or rejects with StaleCacheError. */
  async seen(key: string, signal: AbortSignal): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    const late = (): Error =>
      new StaleCacheError(
        `the cache does not show what was written for ${key} within ${PATIENCE_MS / 1000} s`,
      );
    using deadline = new Deadline(this.#clock, PATIENCE_MS, late, [signal]);
    for (const [cache, { version, atMs }] of pending) {
      const isLost = this.#clock.nowMs() - atMs > FORGET_MS;
      if (!isLost) await cache.whenSeen(version, deadline.signal);
      pending.delete(cache);
    }
    this.#pending.delete(key);
  }
}

function idOf(resource: Resource, namespace?: string): string {
  const where = namespace === undefined ? "" : ` in ${namespace}`;
  return `${apiVersionOf(resource)}/${resource.plural}${where}`;
}
