/** The thread that looks at pictures and hears sounds: see encoder-thread.ts. */
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { LlamaError } from "../native/errors.ts";
import { Views } from "../native/memory.ts";
import { bindNative, registerCallback, required } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import { PROGRESS, STOP } from "./encoder-signals.ts";
import type {
  EncodedRows,
  Encoded,
  EncoderData,
  EncodeTask,
  LaidOut,
  Loaded,
  ThreadTask,
} from "./encoder-thread.ts";
import { describeChunk, isRows, isSoundChunk, withChunks } from "./tokenized-picture.ts";

/** Pieces of work, of which a layer has some dozens, after which it is asked whether to go on. */
const PIECES = 8;

const { libraries, vision, model, path, usesGpu, threads, imageMaxTokens, dimensions, signals } =
  workerData as EncoderData;
const native = bindNative(libraries).bindVision(vision);
const { call } = native;
const loaded = load();
parentPort?.postMessage({ projector: loaded } satisfies Loaded);
makeWay();

function load(): Pointer<"mtmd_context"> | null {
  const params = {
    ...call.mtmd_context_params_default(),
    use_gpu: usesGpu,
    n_threads: threads,
    print_timings: false,
    ...(imageMaxTokens !== undefined && { image_max_tokens: imageMaxTokens }),
  };
  if (usesGpu) return call.mtmd_init_from_file(path, model, params);
  // A GPU is done before anybody could stop it, and is slower where it is asked.
  const goOn = registerCallback("ggml_backend_sched_eval_callback", whetherToGoOn());
  return call.mtmd_init_from_file(path, model, { ...params, cb_eval: goOn.address });
}

/** It is called on this thread, while this thread computes. */
function whetherToGoOn(): (tensor: bigint, ask: boolean) => boolean {
  let pieces = 0;
  return (_, ask) => {
    if (!ask) {
      Atomics.add(signals, PROGRESS, 1);
      return isWanted();
    }
    pieces += 1;
    return pieces % PIECES === 0;
  };
}

function isWanted(): boolean {
  return Atomics.load(signals, STOP) === 0;
}

/** Of this thread and those that it starts: Linux has a priority for each. Elsewhere it would be the whole process's. */
function makeWay(): void {
  if (process.platform === "linux") setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}

parentPort?.on("message", (task: ThreadTask) => {
  const answer = "layout" in task ? laidOut(task.layout.samples) : encoded(task);
  const buffers = "rows" in answer ? answer.rows.map(({ vectors }) => vectors.buffer) : [];
  parentPort?.postMessage(answer, buffers);
});

function encoded(task: EncodeTask): Encoded {
  const projector = required(loaded, "load the projector");
  const medium = "rgb" in task ? task : { samples: task.samples.length, pcm: task.samples };
  return orFailure(() => ({
    rows: withChunks(native, projector, medium, (chunks) =>
      chunks.filter((chunk) => isRows(call, chunk)).map((chunk) => encodeChunk(projector, chunk)),
    ),
  }));
}

function laidOut(samples: number): LaidOut {
  const projector = required(loaded, "load the projector");
  return orFailure(() => ({
    chunks: withChunks(native, projector, { samples, pcm: null }, (chunks) =>
      chunks.map((chunk) => describeChunk(native, projector, chunk)),
    ),
  }));
}

function orFailure<Answer>(act: () => Answer): Answer | { readonly failure: string } {
  try {
    return act();
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function encodeChunk(
  projector: Pointer<"mtmd_context">,
  chunk: Pointer<"mtmd_input_chunk">,
): EncodedRows {
  if (!isWanted()) throw new LlamaError("Nobody wants this any more");
  const rows = call.mtmd_input_chunk_get_n_tokens(chunk);
  const status = call.mtmd_encode_chunk(projector, chunk);
  if (status !== 0) throw new LlamaError(`llama.cpp could not encode a medium: ${status}`);
  const address = call.mtmd_get_output_embd(projector);
  if (address === null) throw new LlamaError("llama.cpp has no embeddings of a medium");
  const views = new Views();
  const vectors = views.float32(address, rows * dimensions).slice();
  views.end();
  return { vectors, places: placesOf(projector, chunk, rows) };
}

/** Of each row three numbers, relative to the chunk's first: time, height and width. */
function placesOf(
  projector: Pointer<"mtmd_context">,
  chunk: Pointer<"mtmd_input_chunk">,
  rows: number,
): Int32Array {
  const places = new Int32Array(call.mtmd_decode_use_mrope(projector) ? 3 * rows : 0);
  if (places.length === 0) return places;
  // Sounds have no plane: one row follows the other.
  if (isSoundChunk(call, chunk)) return places.map((_, at) => Math.floor(at / 3));
  const tokens = required(call.mtmd_input_chunk_get_tokens_image(chunk), "read a chunk's places");
  for (let row = 0; row < rows; row += 1) {
    const { t, y, x } = call.mtmd_image_tokens_get_decoder_pos(tokens, 0, row);
    places.set([t, y, x], 3 * row);
  }
  return places;
}
