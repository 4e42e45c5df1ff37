/** The thread that looks at pictures: see encoder-thread.ts. */
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { LlamaError } from "../native/errors.ts";
import { Views } from "../native/memory.ts";
import { bindNative, required } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import type { EncodedRows, Encoded, EncodeTask, EncoderSource } from "./encoder-thread.ts";
import { isRows, withChunks } from "./tokenized-picture.ts";

const { libraries, vision, projector, dimensions } = workerData as EncoderSource;
const native = bindNative(libraries).bindVision(vision);
const { call } = native;
makeWay();

/** Of this thread and those that it starts: Linux has a priority for each. Elsewhere it would be the whole process's. */
function makeWay(): void {
  if (process.platform === "linux") setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}

parentPort?.on("message", (picture: EncodeTask) => {
  const answer = encoded(picture);
  const buffers = "rows" in answer ? answer.rows.map(({ vectors }) => vectors.buffer) : [];
  parentPort?.postMessage(answer, buffers);
});

function encoded(picture: EncodeTask): Encoded {
  try {
    return {
      rows: withChunks(native, projector, picture, (chunks) =>
        chunks.filter((chunk) => isRows(call, chunk)).map(encodeChunk),
      ),
    };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function encodeChunk(chunk: Pointer<"mtmd_input_chunk">): EncodedRows {
  const rows = call.mtmd_input_chunk_get_n_tokens(chunk);
  const status = call.mtmd_encode_chunk(projector, chunk);
  if (status !== 0) throw new LlamaError(`llama.cpp could not encode a picture: ${status}`);
  const address = call.mtmd_get_output_embd(projector);
  if (address === null) throw new LlamaError("llama.cpp has no embeddings of a picture");
  const views = new Views();
  const vectors = views.float32(address, rows * dimensions).slice();
  views.end();
  return { vectors, places: placesOf(chunk, rows) };
}

/** Of each row three numbers, relative to the chunk's first: time, height and width. */
function placesOf(chunk: Pointer<"mtmd_input_chunk">, rows: number): Int32Array {
  const places = new Int32Array(call.mtmd_decode_use_mrope(projector) ? 3 * rows : 0);
  if (places.length === 0) return places;
  const tokens = required(call.mtmd_input_chunk_get_tokens_image(chunk), "read a chunk's places");
  for (let row = 0; row < rows; row += 1) {
    const { t, y, x } = call.mtmd_image_tokens_get_decoder_pos(tokens, 0, row);
    places.set([t, y, x], 3 * row);
  }
  return places;
}
