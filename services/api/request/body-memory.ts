/**
 * The memory that bodies of requests may take together.
 *
 * One body is bounded, and so are the requests that wait for a model; but many bodies with images at once would
 * still be more than the process has. A request takes its share as its bytes come, and gives it back when it ends.
 */
import type { Response } from "express";

export class BodyMemory {
  readonly #maxBytes: number;
  #takenBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What one request takes, until its response is closed. */
  shareOf(res: Response): BodyShare {
    let ownBytes = 0;
    res.once("close", () => {
      this.#takenBytes -= ownBytes;
      ownBytes = 0;
    });
    return {
      grow: (bytes) => {
        if (res.closed) return true;
        if (this.#takenBytes + bytes > this.#maxBytes) return false;
        this.#takenBytes += bytes;
        ownBytes += bytes;
        return true;
      },
      settle: (bytes) => {
        this.#takenBytes -= ownBytes - Math.min(bytes, ownBytes);
        ownBytes = Math.min(bytes, ownBytes);
      },
    };
  }
}

export type BodyShare = {
  /** False when there is no memory left for as many bytes more. */
  grow(bytes: number): boolean;
  /** It was no more than this. */
  settle(bytes: number): void;
};
