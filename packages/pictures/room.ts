/**
 * Memory for decoded pictures: what all requests of a server hold at a time.
 *
 * A file of some kilobytes may be twelve megabytes when it is decoded, so room is taken before: whoever finds none
 * waits for those before him. Each request takes all it may need at once, so that two never wait for each other.
 */

type Held = Disposable & {
  /** Gives back what turned out not to be needed. */
  keep(bytes: number): void;
};

type Waiting = { readonly bytes: number; readonly enter: () => void };

export class Room {
  readonly #maxBytes: number;
  readonly #waiting: Waiting[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Rejects with the signal's reason when it is aborted while it waits. `bytes` are at most what there is. */
  async take(bytes: number, signal: AbortSignal): Promise<Held> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#hold(bytes);
    const { promise, resolve, reject } = Promise.withResolvers<Held>();
    const waiting = { bytes, enter: () => resolve(this.#hold(bytes)) };
    this.#waiting.push(waiting);
    const leave = () => {
      const at = this.#waiting.indexOf(waiting);
      if (at !== -1) this.#waiting.splice(at, 1);
      reject(signal.reason as Error);
      this.#admit();
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#maxBytes;
  }

  #hold(bytes: number): Held {
    this.#heldBytes += bytes;
    let held = bytes;
    const keep = (kept: number) => {
      this.#heldBytes -= held - kept;
      held = kept;
      this.#admit();
    };
    return { keep, [Symbol.dispose]: () => keep(0) };
  }

  #admit(): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#fits(first.bytes);) {
      this.#waiting.shift();
      first.enter();
      first = this.#waiting[0];
    }
  }
}
