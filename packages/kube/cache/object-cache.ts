/**
 * What is known of one scope: its objects, and up to which version they are known.
 *
 * The reflector writes, everybody else reads. Objects are frozen: a reader that changed one would lie to
 * all others. Changes are told once, in order; that an object was deleted and made anew under the same
 * name is told as both, even if all that was seen is another uid.
 */
import { IndexedMap, type Indexers } from "./indexed-map.ts";
import type { Log } from "../log.ts";
import { type KubeObject, keyOf } from "../objects/objects.ts";
import { compareVersions, isAtLeast } from "./resource-version.ts";

export type Change<T> =
  | { readonly type: "added"; readonly object: T; readonly initial: boolean }
  | { readonly type: "updated"; readonly object: T; readonly previous: T }
  /** The object as it was last seen, which need not be how it ended. */
  | { readonly type: "deleted"; readonly object: T };

type Listener<T> = (change: Change<T>) => void;

type Waiter = { readonly version: string; readonly arrived: () => void };

export class ObjectCache<T extends KubeObject = KubeObject> {
  readonly #objects: IndexedMap<T>;
  readonly #log: Log;
  readonly #listeners = new Set<Listener<T>>();
  readonly #waiters = new Set<Waiter>();
  #version: string | undefined;

  constructor(log: Log, indexers: Indexers<T> = {}) {
    this.#log = log;
    this.#objects = new IndexedMap(indexers);
  }

  /** Everything up to this version has been seen. Undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#version;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return this.#objects.values();
  }

  find(indexName: string, value: string): readonly T[] {
    return this.#objects.find(indexName, value);
  }

  /** Tells all future changes, after those objects that are already known. */
  listen(listener: Listener<T>): Disposable {
    for (const object of this.list())
      this.#notify(listener, { type: "added", object, initial: true });
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Whether a write that resulted in this version can be seen here. */
  hasSeen(version: string): boolean {
    return this.#version !== undefined && isAtLeast(this.#version, version);
  }

  /** Resolves once `hasSeen(version)`, or rejects with the signal's reason. */
  async whenSeen(version: string, signal: AbortSignal): Promise<void> {
    if (this.hasSeen(version)) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { version, arrived: resolve };
    const aborted = (): void => reject(signal.reason as Error);
    this.#waiters.add(waiter);
    signal.addEventListener("abort", aborted);
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", aborted);
    }
  }

  /** For the reflector: these are all there are. */
  replace(objects: readonly T[], resourceVersion: string): void {
    const initial = this.#version === undefined;
    const vanished = new Set(this.#objects.keys());
    for (const object of objects) vanished.delete(keyOf(object.metadata));
    for (const key of vanished) this.#remove(key);
    for (const object of objects) this.#put(object, initial);
    this.#arrive(resourceVersion);
  }

  /** For the reflector: this is how the object is now. */
  put(object: T): void {
    const known = this.#objects.get(keyOf(object.metadata));
    // Told again, or told late. Versions only compare within one life of an object's name.
    if (known !== undefined && sameLife(known, object) && !isNewer(object, known)) return;
    this.#put(object, false);
    this.#arrive(object.metadata.resourceVersion);
  }

  /** For the reflector: the object is gone. */
  remove(object: T): void {
    const key = keyOf(object.metadata);
    const known = this.#objects.get(key);
    // Told late, about the object that had this name before.
    if (known !== undefined && !sameLife(known, object) && !isNewer(object, known)) return;
    this.#remove(key);
    this.#arrive(object.metadata.resourceVersion);
  }

  /** For the reflector: nothing has changed up to this version. */
  advance(resourceVersion: string): void {
    this.#arrive(resourceVersion);
  }

  #put(object: T, initial: boolean): void {
    const key = keyOf(object.metadata);
    const previous = this.#objects.get(key);
    if (previous !== undefined && !sameLife(previous, object)) {
      this.#remove(key);
    } else if (previous?.metadata.resourceVersion === object.metadata.resourceVersion && previous) {
      return;
    }
    const kept = frozen(withoutManagedFields(object));
    const before = this.#objects.get(key);
    this.#objects.set(key, kept);
    this.#notifyAll(
      before === undefined
        ? { type: "added", object: kept, initial }
        : { type: "updated", object: kept, previous: before },
    );
  }

  #remove(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#notifyAll({ type: "deleted", object });
  }

  #arrive(resourceVersion: string | undefined): void {
    if (resourceVersion === undefined || resourceVersion === "") return;
    this.#version = resourceVersion;
    for (const waiter of this.#waiters) if (this.hasSeen(waiter.version)) waiter.arrived();
  }

  #notifyAll(change: Change<T>): void {
    for (const listener of this.#listeners) this.#notify(listener, change);
  }

  #notify(listener: Listener<T>, change: Change<T>): void {
    try {
      listener(change);
    } catch (error) {
      const key = keyOf(change.object.metadata);
      this.#log.error("a listener failed", { object: key, change: change.type, error });
    }
  }
}

function sameLife(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid;
}

function isNewer(a: KubeObject, b: KubeObject): boolean {
  const order = compareVersions(a.metadata.resourceVersion ?? "", b.metadata.resourceVersion ?? "");
  return order === undefined || order > 0;
}

/** Nobody reads who owns which field, and it is half of an object. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
