/**
 * What pictures are to the model, in the memory that there is for it: of the requests that wait with theirs until it is
 * evaluated, and as far as these leave room, of those looked at lately. Looking at one takes as long as reading pages of text.
 *
 * Whoever asks takes room for all that he may need at once, so that two never wait for each other. One who asks for a picture
 * that is being looked at waits with the others; one for which nobody waits any more is left in the middle.
 */
import { Room } from "@localmodel/pictures/room.ts";
import type { EncodedRows } from "../prompt/picture-rows.ts";

type Encode = (signal: AbortSignal) => Promise<readonly EncodedRows[]>;

type Wanted = {
  readonly sha256: string;
  /** What it becomes. */
  readonly bytes: number;
  readonly encode: Encode;
};

type Held = Disposable & { readonly rows: readonly (readonly EncodedRows[])[] };

type Pending = {
  readonly encoded: Promise<readonly EncodedRows[]>;
  readonly unwanted: AbortController;
  waiting: number;
};

export class EncodedPictures {
  readonly #maxBytes: number;
  readonly #room: Room;
  /** That somebody holds, by hash, and how many do. */
  readonly #held = new Map<string, { readonly rows: readonly EncodedRows[]; holders: number }>();
  /** That nobody holds; the one used longest ago first. */
  readonly #remembered = new Map<string, readonly EncodedRows[]>();
  readonly #pending = new Map<string, Pending>();
  #rememberedBytes = 0;

  /** `maxBytes`: for what any one who asks may need, at least. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#room = new Room(maxBytes);
  }

  get bytes(): number {
    return this.#rememberedBytes + this.#room.heldBytes;
  }

  /** In the order asked. @throws the signal's reason as soon as it is aborted */
  async hold(wanted: readonly Wanted[], signal: AbortSignal): Promise<Held> {
    const distinct = [...new Map(wanted.map((one) => [one.sha256, one])).values()];
    const room = await this.#room.take(sumOf(distinct.map(({ bytes }) => bytes)), signal);
    const holds: string[] = [];
    const release = (): void => {
      room[Symbol.dispose]();
      for (const sha256 of holds.splice(0)) this.#release(sha256);
    };
    try {
      for (const { sha256 } of distinct) if (this.#holdKnown(sha256)) holds.push(sha256);
      this.#forgetBeyond();
      for (const { sha256, encode } of distinct) {
        if (holds.includes(sha256)) continue;
        // By now somebody else may have looked at it.
        if (!this.#holdKnown(sha256)) {
          this.#holdNew(sha256, await this.#encoded(sha256, encode, signal));
        }
        holds.push(sha256);
      }
    } catch (error) {
      release();
      throw error;
    }
    const rows = wanted.map(({ sha256 }) => this.#held.get(sha256)?.rows ?? []);
    return { rows, [Symbol.dispose]: release };
  }

  #holdKnown(sha256: string): boolean {
    const held = this.#held.get(sha256);
    const rows = held?.rows ?? this.#remembered.get(sha256);
    if (rows === undefined) return false;
    this.#forget(sha256);
    this.#holdNew(sha256, rows);
    return true;
  }

  #holdNew(sha256: string, rows: readonly EncodedRows[]): void {
    const held = this.#held.get(sha256);
    if (held === undefined) this.#held.set(sha256, { rows, holders: 1 });
    else held.holders += 1;
  }

  #release(sha256: string): void {
    const held = this.#held.get(sha256);
    if (held === undefined) return;
    held.holders -= 1;
    if (held.holders > 0) return;
    this.#held.delete(sha256);
    this.#remembered.set(sha256, held.rows);
    this.#rememberedBytes += bytesOf(held.rows);
    this.#forgetBeyond();
  }

  #forgetBeyond(): void {
    for (const sha256 of this.#remembered.keys()) {
      if (this.bytes <= this.#maxBytes) return;
      this.#forget(sha256);
    }
  }

  #forget(sha256: string): void {
    this.#rememberedBytes -= bytesOf(this.#remembered.get(sha256) ?? []);
    this.#remembered.delete(sha256);
  }

  async #encoded(
    sha256: string,
    encode: Encode,
    signal: AbortSignal,
  ): Promise<readonly EncodedRows[]> {
    signal.throwIfAborted();
    const pending = this.#pending.get(sha256) ?? this.#begin(sha256, encode);
    pending.waiting += 1;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([pending.encoded, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
      pending.waiting -= 1;
      if (pending.waiting === 0 && this.#pending.get(sha256) === pending) {
        this.#pending.delete(sha256);
        pending.unwanted.abort(new Error("Nobody waits for this picture any more"));
      }
    }
  }

  /** It is one that is looked at until all who wait for it have it, or none does any more. */
  #begin(sha256: string, encode: Encode): Pending {
    const unwanted = new AbortController();
    const encoded = encode(unwanted.signal);
    // Those who wait are told of a failure; that nobody does is none.
    encoded.catch(() => undefined);
    const pending: Pending = { encoded, unwanted, waiting: 0 };
    this.#pending.set(sha256, pending);
    return pending;
  }
}

function sumOf(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0);
}

function bytesOf(rows: readonly EncodedRows[]): number {
  return sumOf(rows.map(({ vectors, places }) => vectors.byteLength + places.byteLength));
}
