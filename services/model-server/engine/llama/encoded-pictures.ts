/**
 * What pictures are to the model, remembered for as long as there is room: a conversation shows its pictures again with
 * every turn, and looking at one takes as long as reading pages of text.
 *
 * Whoever asks for a picture that is being looked at waits with the others; one for which nobody waits any more is left
 * out when its turn comes.
 */
import type { EncodedRows } from "../prompt/picture-rows.ts";

type Encode = (signal: AbortSignal) => Promise<readonly EncodedRows[]>;

type Pending = {
  readonly encoded: Promise<readonly EncodedRows[]>;
  readonly unwanted: AbortController;
  waiting: number;
};

export class EncodedPictures {
  readonly #maxBytes: number;
  /** By hash; the one used longest ago first. */
  readonly #known = new Map<string, readonly EncodedRows[]>();
  readonly #pending = new Map<string, Pending>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws the signal's reason as soon as it is aborted */
  async of(sha256: string, encode: Encode, signal?: AbortSignal): Promise<readonly EncodedRows[]> {
    signal?.throwIfAborted();
    const known = this.#known.get(sha256);
    if (known !== undefined) {
      this.#known.delete(sha256);
      this.#known.set(sha256, known);
      return known;
    }
    const pending = this.#pending.get(sha256) ?? this.#begin(sha256, encode);
    pending.waiting += 1;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([pending.encoded, aborted]);
    } finally {
      signal?.removeEventListener("abort", abort);
      pending.waiting -= 1;
      if (pending.waiting === 0 && this.#pending.get(sha256) === pending) {
        this.#pending.delete(sha256);
        pending.unwanted.abort(new Error("Nobody waits for this picture any more"));
      }
    }
  }

  #begin(sha256: string, encode: Encode): Pending {
    const unwanted = new AbortController();
    const encoded = this.#kept(sha256, encode(unwanted.signal), unwanted);
    // Those who wait are told of a failure; that nobody does is none.
    encoded.catch(() => undefined);
    const pending: Pending = { encoded, unwanted, waiting: 0 };
    this.#pending.set(sha256, pending);
    return pending;
  }

  async #kept(
    sha256: string,
    encoding: Promise<readonly EncodedRows[]>,
    unwanted: AbortController,
  ): Promise<readonly EncodedRows[]> {
    try {
      const rows = await encoding;
      this.#keep(sha256, rows);
      return rows;
    } finally {
      // It may have been left, and begun again since.
      if (this.#pending.get(sha256)?.unwanted === unwanted) this.#pending.delete(sha256);
    }
  }

  #keep(sha256: string, rows: readonly EncodedRows[]): void {
    const bytes = bytesOf(rows);
    if (bytes > this.#maxBytes || this.#known.has(sha256)) return;
    for (const other of this.#known.keys()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.#drop(other);
    }
    this.#known.set(sha256, rows);
    this.#bytes += bytes;
  }

  #drop(sha256: string): void {
    this.#bytes -= bytesOf(this.#known.get(sha256) ?? []);
    this.#known.delete(sha256);
  }
}

function bytesOf(rows: readonly EncodedRows[]): number {
  return rows.reduce((sum, { vectors, places }) => sum + vectors.byteLength + places.byteLength, 0);
}
