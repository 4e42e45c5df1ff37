/**
 * A projector: the part of a model that looks at pictures or hears sounds, and makes rows of them that the language model
 * reads in the place of tokens' embeddings. Its file comes beside the model's, and fits that model alone.
 */
import { visionLibrary } from "../library/vision-library.ts";
import type { Llama } from "../llama.ts";
import type { Reservation } from "../logs/log-lines.ts";
import type { Model } from "../model.ts";
import { LlamaError } from "../native/errors.ts";
import { Handle } from "../native/handle.ts";
import type { NativeVision } from "../native/native.ts";
import {
  type EncodedRows,
  EncoderThread,
  type EncodeTask,
  type Watched,
} from "./encoder-thread.ts";
import {
  describeChunk,
  type PictureChunk,
  type PictureSize,
  type SoundLength,
  withChunks,
} from "./tokenized-picture.ts";

type ProjectorOptions = {
  readonly path: string;
  /** That look at a picture, where no GPU does. */
  readonly threads: number;
  /** That a picture becomes at most, where its size decides how many. Default: as the model was made. */
  readonly imageMaxTokens?: number | undefined;
  /** Default: nobody looks whether it gets on. */
  readonly watched?: Watched;
};

let bound: NativeVision | undefined;

/**
 * @throws LlamaError where libmtmd was not built, the file is no projector that llama.cpp knows, or not the model's: its
 * log says which
 */
export async function loadProjector(model: Model, options: ProjectorOptions): Promise<Projector> {
  const { llama } = model;
  const library = visionLibrary();
  if (library === undefined) {
    throw new LlamaError("The library that looks at pictures was not built: npm run build:vision");
  }
  bound ??= bindVision(llama, library);
  const vision = bound;
  const { result, reservations } = await llama.reserving(() =>
    model.handle.using((weights) =>
      EncoderThread.start(
        {
          libraries: llama.libraries,
          vision: library,
          model: weights,
          path: options.path,
          usesGpu: llama.gpu !== false,
          threads: options.threads,
          imageMaxTokens: options.imageMaxTokens,
          dimensions: model.shape.inputDimensions,
        },
        options.watched,
      ),
    ),
  );
  const { thread, projector: pointer } = result;
  if (pointer === null)
    throw new LlamaError(`llama.cpp could not load the projector ${options.path}`);
  const handle = new Handle<"mtmd_context">(
    "projector",
    pointer,
    (freed) => {
      thread.end();
      vision.call.mtmd_free(freed);
    },
    model.handle,
  );
  return new Projector(vision, { handle, thread, reservations });
}

function bindVision({ native, logCallback }: Llama, library: string): NativeVision {
  const vision = native.bindVision(library);
  vision.call.mtmd_log_set(logCallback, null);
  // See `listen` of llama.ts: by now JavaScript cannot be called.
  process.once("exit", () => {
    vision.call.mtmd_log_set(native.address("llama_max_devices"), null);
  });
  return vision;
}

type Made = {
  readonly handle: Handle<"mtmd_context">;
  readonly thread: EncoderThread;
  readonly reservations: readonly Reservation[];
};

export class Projector implements Disposable {
  /** Memory that it computes in, by buffer. */
  readonly reservations: readonly Reservation[];
  /** What it was made to take. */
  readonly sees: boolean;
  /** Samples of a second that it hears; undefined where it hears nothing. */
  readonly audioSampleRate: number | undefined;
  /** Rows have places in a plane, and not only one after another. */
  readonly usesMrope: boolean;
  readonly #vision: NativeVision;
  readonly #handle: Handle<"mtmd_context">;
  readonly #thread: EncoderThread;

  constructor(vision: NativeVision, { handle, thread, reservations }: Made) {
    const { call } = vision;
    const { pointer } = handle;
    this.#vision = vision;
    this.#handle = handle;
    this.#thread = thread;
    this.reservations = reservations;
    this.sees = call.mtmd_support_vision(pointer);
    const sampleRate = call.mtmd_get_audio_sample_rate(pointer);
    const hears = call.mtmd_support_audio(pointer) && sampleRate > 0;
    this.audioSampleRate = hears ? sampleRate : undefined;
    this.usesMrope = call.mtmd_decode_use_mrope(pointer);
  }

  /** What a picture of this size becomes, without looking at it. @throws LlamaError for one that cannot be prepared */
  layout({ width, height }: PictureSize): readonly PictureChunk[] {
    const { pointer } = this.#handle;
    return withChunks(this.#vision, pointer, { width, height, rgb: null }, (chunks) =>
      chunks.map((chunk) => describeChunk(this.#vision, pointer, chunk)),
    );
  }

  /** What a sound of so many samples becomes: found on another thread, in turn with what is looked at. */
  soundLayout(sound: SoundLength, signal?: AbortSignal): Promise<readonly PictureChunk[]> {
    return this.#handle.using(() => this.#thread.layout(sound, signal));
  }

  /** Of each chunk of rows in the layout, what is in it. One medium at a time is looked at, on another thread. */
  encode(medium: EncodeTask, signal?: AbortSignal): Promise<readonly EncodedRows[]> {
    return this.#handle.using(() => this.#thread.encode(medium, signal));
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}
