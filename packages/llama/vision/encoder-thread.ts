/**
 * Looks at pictures on a thread of its own, one after the other: a picture takes as long as hundreds of tokens, and
 * libuv's pool is where tokens are decoded.
 *
 * The thread loads the projector itself, since what llama.cpp calls while it computes is JavaScript of that thread.
 */
import { Worker } from "node:worker_threads";
import { LlamaError } from "../native/errors.ts";
import { countedAsRunning } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import type { PictureSize } from "./tokenized-picture.ts";

type EncoderSource = {
  readonly libraries: readonly string[];
  readonly vision: string;
  readonly model: Pointer<"llama_model">;
  /** The projector's file. */
  readonly path: string;
  readonly usesGpu: boolean;
  /** That look at a picture, where no GPU does. */
  readonly threads: number;
  /** Of a row. */
  readonly dimensions: number;
};

/** `stop`: one number, no longer 0 when the picture that is looked at is not wanted any more. */
export type EncoderData = EncoderSource & { readonly stop: Int32Array<SharedArrayBuffer> };

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

/** The first that the thread says. */
export type Loaded = { readonly projector: Pointer<"mtmd_context"> | null };

export class EncoderThread {
  readonly #worker: Worker;
  readonly #stop: Int32Array<SharedArrayBuffer>;
  #turn: Promise<unknown> = Promise.resolve();

  /** The projector is undefined where llama.cpp could not load it: its log says why. */
  static async start(
    source: EncoderSource,
  ): Promise<{ readonly thread: EncoderThread; readonly projector: Loaded["projector"] }> {
    const thread = new EncoderThread(source);
    const { projector } = await countedAsRunning(() => thread.#next<Loaded>());
    if (projector === null) thread.end();
    return { thread, projector };
  }

  private constructor(source: EncoderSource) {
    this.#stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: EncoderData = { ...source, stop: this.#stop };
    const file = new URL("encoder-worker.ts", import.meta.url);
    this.#worker = new Worker(file, { name: "pictures", workerData });
    this.#worker.unref();
  }

  /**
   * Ends soon after `signal` is aborted, and then nothing is begun.
   *
   * @throws LlamaError for a picture that cannot be encoded, and the signal's reason
   */
  encode(picture: EncodeTask, signal?: AbortSignal): Promise<readonly EncodedRows[]> {
    const encoded = this.#turn.then(() => {
      signal?.throwIfAborted();
      return countedAsRunning(() => this.#ask(picture, signal));
    });
    this.#turn = encoded.catch(() => undefined);
    return encoded;
  }

  async #ask(
    picture: EncodeTask,
    signal: AbortSignal | undefined,
  ): Promise<readonly EncodedRows[]> {
    const stop = (): void => void Atomics.store(this.#stop, 0, 1);
    Atomics.store(this.#stop, 0, 0);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const answer = this.#next<Encoded>();
      this.#worker.postMessage(picture);
      const encoded = await answer;
      signal?.throwIfAborted();
      if ("failure" in encoded) throw new LlamaError(encoded.failure);
      return encoded.rows;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** What the thread says next. It keeps the process from ending until then. */
  async #next<Message>(): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    this.#worker.once("message", resolve).once("error", reject);
    this.#worker.ref();
    try {
      return await promise;
    } finally {
      this.#worker.off("message", resolve).off("error", reject);
      this.#worker.unref();
    }
  }

  end(): void {
    void this.#worker.terminate();
  }
}
