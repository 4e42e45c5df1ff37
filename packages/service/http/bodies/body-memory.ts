/**
 * The memory that bodies of requests may take together, and how much of it one owner may have.
 *
 * One body is bounded, and so are the requests that wait for a model; but many bodies at once would still be more
 * than the process has. A request takes its share as its bytes come, and gives it back when it ends. What an owner's
 * requests hold is never more than what they leave free, as switches share their buffers among ports: one that takes
 * all it can get has half, and the next one that comes still has room.
 */
import type { Response } from "express";

export class BodyMemory {
  readonly #maxBytes: () => number;
  readonly #byOwner = new Map<string, number>();
  #takenBytes = 0;

  /** It may become less while more is taken: then nothing is given until enough has come back. */
  constructor(maxBytes: () => number) {
    this.#maxBytes = maxBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** What one request takes, until its response is closed. */
  shareOf(res: Response, owner: string): BodyShare {
    let ownBytes = 0;
    res.once("close", () => {
      this.#take(owner, -ownBytes);
      ownBytes = 0;
    });
    return {
      growTo: (bytes) => {
        const more = bytes - ownBytes;
        if (res.closed) return true;
        const freeBytes = this.#maxBytes() - this.#takenBytes;
        if (!mayTake(more, { ownBytes: this.#ownedBy(owner), freeBytes })) return false;
        this.#take(owner, more);
        ownBytes = bytes;
        return true;
      },
    };
  }

  #ownedBy(owner: string): number {
    return this.#byOwner.get(owner) ?? 0;
  }

  #take(owner: string, bytes: number): void {
    this.#takenBytes += bytes;
    const ownBytes = this.#ownedBy(owner) + bytes;
    if (ownBytes === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, ownBytes);
  }
}

type BodyShare = {
  /** From now on it holds so many bytes. False, and nothing changes, when that is more than there is for its owner. */
  growTo(bytes: number): boolean;
};

type Holdings = { readonly ownBytes: number; readonly freeBytes: number };

/** The dynamic threshold of Choudhury and Hahne, with a factor of one. */
function mayTake(bytes: number, { ownBytes, freeBytes }: Holdings): boolean {
  return bytes <= 0 || ownBytes + bytes <= freeBytes - bytes;
}
