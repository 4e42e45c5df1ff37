/**
 * Who owns what in native memory. A handle is freed once, with everything that was made from it, and not while a call
 * is using it; its pointer cannot be had afterwards.
 */
import { OwnershipError } from "./errors.ts";
import type { Pointer } from "../pointer.ts";

/** What a handle needs to know of those that it owns. */
type Owned = Disposable & { readonly busy: boolean };

/** A handle, for one that is made from it. */
type Owner = {
  adopt(handle: Owned): void;
  release(handle: Owned): void;
};

export class Handle<Name extends string> implements Disposable, Owner {
  readonly #what: string;
  readonly #free: (pointer: Pointer<Name>) => void;
  readonly #owner: Owner | undefined;
  readonly #owned = new Set<Owned>();
  #pointer: Pointer<Name> | undefined;
  #users = 0;

  /** `free` may also let go of what belongs to the pointer on this side. */
  constructor(
    what: string,
    pointer: Pointer<Name>,
    free: (pointer: Pointer<Name>) => void,
    owner?: Owner,
  ) {
    this.#what = what;
    this.#pointer = pointer;
    this.#free = free;
    this.#owner = owner;
    owner?.adopt(this);
  }

  get pointer(): Pointer<Name> {
    if (this.#pointer === undefined) throw new OwnershipError(`The ${this.#what} was freed`);
    return this.#pointer;
  }

  /** @throws OwnershipError when it was freed */
  assertAlive(): void {
    void this.pointer;
  }

  get freed(): boolean {
    return this.#pointer === undefined;
  }

  get busy(): boolean {
    return this.#users > 0 || [...this.#owned].some((handle) => handle.busy);
  }

  /** While `work` runs, the handle cannot be freed. */
  async using<Result>(work: (pointer: Pointer<Name>) => Promise<Result>): Promise<Result> {
    const { pointer } = this;
    this.#users += 1;
    try {
      return await work(pointer);
    } finally {
      this.#users -= 1;
    }
  }

  /** What was made last goes first, as it may use what was made before. Freeing again does nothing. */
  [Symbol.dispose](): void {
    const pointer = this.#pointer;
    if (pointer === undefined) return;
    if (this.busy) {
      throw new OwnershipError(`The ${this.#what} cannot be freed now: a call is using it`);
    }
    for (const handle of [...this.#owned].toReversed()) handle[Symbol.dispose]();
    this.#pointer = undefined;
    this.#owner?.release(this);
    this.#free(pointer);
  }

  adopt(handle: Owned): void {
    this.assertAlive();
    this.#owned.add(handle);
  }

  release(handle: Owned): void {
    this.#owned.delete(handle);
  }
}
