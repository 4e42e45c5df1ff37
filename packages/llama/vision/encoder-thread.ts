/**
 * Looks at pictures on a thread of its own, one after the other: a picture takes as long as hundreds of tokens, and
 * libuv's pool is where tokens are decoded.
 */
import { Worker } from "node:worker_threads";
import { LlamaError } from "../native/errors.ts";
import { countedAsRunning } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import type { PictureSize } from "./tokenized-picture.ts";

export type EncoderSource = {
  readonly libraries: readonly string[];
  readonly vision: string;
  readonly projector: Pointer<"mtmd_context">;
  /** Of a row. */
  readonly dimensions: number;
};

/** Bytes from the top, three for each pixel. */
export type EncodeTask = PictureSize & { readonly rgb: Uint8Array };

/** A chunk of rows as the model reads them. */
export type EncodedRows = {
  /** Row by row. */
  readonly vectors: Float32Array<ArrayBuffer>;
  /** With M-RoPE three numbers for each row, relative to the chunk's first: time, height, width. Otherwise empty. */
  readonly places: Int32Array;
};

export type Encoded = { readonly rows: readonly EncodedRows[] } | { readonly failure: string };

export class EncoderThread {
  readonly #worker: Worker;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: EncoderSource) {
    this.#worker = new Worker(new URL("encoder-worker.ts", import.meta.url), {
      name: "pictures",
      workerData: source,
    });
    this.#worker.unref();
  }

  /** Nothing is begun once `signal` is aborted. @throws LlamaError for a picture that cannot be encoded */
  encode(picture: EncodeTask, signal?: AbortSignal): Promise<readonly EncodedRows[]> {
    const encoded = this.#turn.then(() => {
      signal?.throwIfAborted();
      return countedAsRunning(() => this.#ask(picture));
    });
    this.#turn = encoded.catch(() => undefined);
    return encoded;
  }

  async #ask(picture: EncodeTask): Promise<readonly EncodedRows[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Encoded>();
    this.#worker.once("message", resolve).once("error", reject);
    this.#worker.ref();
    try {
      this.#worker.postMessage(picture);
      const encoded = await promise;
      if ("failure" in encoded) throw new LlamaError(encoded.failure);
      return encoded.rows;
    } finally {
      this.#worker.off("message", resolve).off("error", reject);
      this.#worker.unref();
    }
  }

  end(): void {
    void this.#worker.terminate();
  }
}
