/**
 * Looks at pictures and hears sounds on a thread of its own, one after the other: a picture takes as long as hundreds of
 * tokens, and libuv's pool is where tokens are decoded. How many rows a sound becomes is asked there, too, since it is
 * taken to pieces for that.
 *
 * The thread loads the projector itself, since what llama.cpp calls while it computes is JavaScript of that thread.
 */
import { Worker } from "node:worker_threads";
import { LlamaError } from "../native/errors.ts";
import { countedAsRunning } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import { type EncoderSignals, encoderSignals, PROGRESS, STOP } from "./encoder-signals.ts";
import type { PictureChunk, PictureSize, SoundLength } from "./tokenized-picture.ts";

type EncoderSource = {
  readonly libraries: readonly string[];
  readonly vision: string;
  readonly model: Pointer<"llama_model">;
  /** The projector's file. */
  readonly path: string;
  readonly usesGpu: boolean;
  /** That look at a picture, or hear a sound, where no GPU does. */
  readonly threads: number;
  /** That a picture becomes at most; undefined is what the model was made for. */
  readonly imageMaxTokens: number | undefined;
  /** Of a row. */
  readonly dimensions: number;
};

export type EncoderData = EncoderSource & { readonly signals: EncoderSignals };

/** Goes around everything that the thread does. `progress` counts on while it gets on, where that can be told. */
export type Watched = <Result>(
  look: () => Promise<Result>,
  progress: () => number,
) => Promise<Result>;

/** Bytes from the top, three for each pixel; or samples between -1 and 1. */
export type EncodeTask =
  | (PictureSize & { readonly rgb: Uint8Array })
  | { readonly samples: Float32Array };

export type ThreadTask = EncodeTask | { readonly layout: SoundLength };

/** A chunk of rows as the model reads them. */
export type EncodedRows = {
  /** Row by row. */
  readonly vectors: Float32Array<ArrayBuffer>;
  /** With M-RoPE three numbers for each row, relative to the chunk's first: time, height, width. Otherwise empty. */
  readonly places: Int32Array;
};

export type Encoded = { readonly rows: readonly EncodedRows[] } | { readonly failure: string };
export type LaidOut = { readonly chunks: readonly PictureChunk[] } | { readonly failure: string };

/** The first that the thread says. */
export type Loaded = { readonly projector: Pointer<"mtmd_context"> | null };

export class EncoderThread {
  readonly #worker: Worker;
  readonly #watched: Watched;
  readonly #signals = encoderSignals();
  #turn: Promise<unknown> = Promise.resolve();

  /** The projector is undefined where llama.cpp could not load it: its log says why. */
  static async start(
    source: EncoderSource,
    watched: Watched = (look) => look(),
  ): Promise<{ readonly thread: EncoderThread; readonly projector: Loaded["projector"] }> {
    const thread = new EncoderThread(source, watched);
    const { projector } = await countedAsRunning(() => thread.#next<Loaded>());
    if (projector === null) thread.end();
    return { thread, projector };
  }

  private constructor(source: EncoderSource, watched: Watched) {
    this.#watched = watched;
    const workerData: EncoderData = { ...source, signals: this.#signals };
    const file = new URL("encoder-worker.ts", import.meta.url);
    this.#worker = new Worker(file, { name: "pictures", workerData });
    this.#worker.unref();
  }

  /**
   * Ends soon after `signal` is aborted, or where a GPU looks, with what it is at; and then nothing is begun.
   *
   * @throws LlamaError for what cannot be encoded, and the signal's reason
   */
  async encode(medium: EncodeTask, signal?: AbortSignal): Promise<readonly EncodedRows[]> {
    const encoded = await this.#inTurn<Encoded>(medium, signal);
    if ("failure" in encoded) throw new LlamaError(encoded.failure);
    return encoded.rows;
  }

  /** What a sound of so many samples becomes. @throws as encode does */
  async layout(layout: SoundLength, signal?: AbortSignal): Promise<readonly PictureChunk[]> {
    const laid = await this.#inTurn<LaidOut>({ layout }, signal);
    if ("failure" in laid) throw new LlamaError(laid.failure);
    return laid.chunks;
  }

  #inTurn<Answer>(task: ThreadTask, signal: AbortSignal | undefined): Promise<Answer> {
    const answered = this.#turn.then(() => {
      signal?.throwIfAborted();
      const ask = (): Promise<Answer> => this.#ask<Answer>(task, signal);
      const progress = (): number => Atomics.load(this.#signals, PROGRESS);
      return countedAsRunning(() => this.#watched(ask, progress));
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async #ask<Answer>(task: ThreadTask, signal: AbortSignal | undefined): Promise<Answer> {
    const stop = (): void => void Atomics.store(this.#signals, STOP, 1);
    Atomics.store(this.#signals, STOP, 0);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const answer = this.#next<Answer>();
      this.#worker.postMessage(task);
      const answered = await answer;
      signal?.throwIfAborted();
      return answered;
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
