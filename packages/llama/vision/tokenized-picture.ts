/**
 * What a picture or a sound becomes among a prompt's tokens: the model's own tokens around it, and rows, each as long as
 * the embedding of a token, in one or more chunks. How many there are depends on its size alone.
 */
import { mtmd_input_chunk_type } from "../generated/constants.ts";
import { LlamaError } from "../native/errors.ts";
import { NativeMemory } from "../native/memory.ts";
import {
  type NativeVision,
  readInt32s,
  required,
  structureBytes,
  writeStructure,
} from "../native/native.ts";
import type { Pointer } from "../pointer.ts";

export type PictureSize = { readonly width: number; readonly height: number };
/** In samples, of as many a second as the projector hears. */
export type SoundLength = { readonly samples: number };

/** What is in it null where only the layout is asked for. */
type NativeMedium =
  | (PictureSize & { readonly rgb: Uint8Array | null })
  | (SoundLength & { readonly pcm: Float32Array | null });

type NativeChunk = Pointer<"mtmd_input_chunk">;
type Projector = Pointer<"mtmd_context">;

export type PictureChunk =
  | { readonly kind: "tokens"; readonly tokens: readonly number[] }
  | {
      readonly kind: "rows";
      readonly rows: number;
      /** How far the next token is behind the first row: with M-RoPE fewer than there are rows. */
      readonly positions: number;
      /** They attend to each other, whichever comes first: all have to be evaluated at once. */
      readonly whole: boolean;
    };

/**
 * The chunks end when `read` returns. A sound is made a picture of its frequencies here, also where only its layout is
 * asked for, which takes milliseconds for each of its seconds.
 *
 * @throws LlamaError for a medium that cannot be prepared: the log says why
 */
export function withChunks<Result>(
  { call }: NativeVision,
  projector: Projector,
  medium: NativeMedium,
  read: (chunks: readonly NativeChunk[]) => Result,
): Result {
  const marker = Buffer.from(call.mtmd_default_marker() ?? "");
  using memory = new NativeMemory(structureBytes("mtmd_input_text") + marker.length + 1);
  const textAt = structureBytes("mtmd_input_text");
  memory.uint8(textAt).set(marker);
  writeStructure(memory.address, "mtmd_input_text", {
    text: memory.address + BigInt(textAt),
    text_len: marker.length,
    add_special: false,
    parse_special: true,
  });
  const bitmap = bitmapOf(call, medium);
  const chunks = required(call.mtmd_input_chunks_init(), "make a list of chunks");
  try {
    const status = call.mtmd_tokenize(
      projector,
      chunks,
      memory.address,
      BigUint64Array.of(bitmap),
      1,
    );
    if (status !== 0)
      throw new LlamaError(
        `llama.cpp could not prepare ${"rgb" in medium ? "a picture" : "a sound"}: ${status}`,
      );
    const count = call.mtmd_input_chunks_size(chunks);
    return read(
      Array.from({ length: count }, (_, index) =>
        required(call.mtmd_input_chunks_get(chunks, index), "read a chunk"),
      ),
    );
  } finally {
    call.mtmd_input_chunks_free(chunks);
    call.mtmd_bitmap_free(bitmap);
  }
}

function bitmapOf(call: NativeVision["call"], medium: NativeMedium): Pointer<"mtmd_bitmap"> {
  return "rgb" in medium
    ? required(call.mtmd_bitmap_init(medium.width, medium.height, medium.rgb), "take a picture")
    : required(call.mtmd_bitmap_init_from_audio(medium.samples, medium.pcm), "take a sound");
}

export function describeChunk(
  { call }: NativeVision,
  projector: Projector,
  chunk: NativeChunk,
): PictureChunk {
  if (isRows(call, chunk)) {
    return {
      kind: "rows",
      rows: call.mtmd_input_chunk_get_n_tokens(chunk),
      positions: call.mtmd_input_chunk_get_n_pos(chunk),
      whole: call.mtmd_decode_use_non_causal(projector, chunk),
    };
  }
  const count = new BigUint64Array(1);
  const address = call.mtmd_input_chunk_get_tokens_text(chunk, count);
  const tokens = address === null ? [] : [...readInt32s(address, Number(count[0]))];
  return { kind: "tokens", tokens };
}

export function isRows(call: NativeVision["call"], chunk: NativeChunk): boolean {
  return call.mtmd_input_chunk_get_type(chunk) !== mtmd_input_chunk_type.TEXT;
}

export function isSoundChunk(call: NativeVision["call"], chunk: NativeChunk): boolean {
  return call.mtmd_input_chunk_get_type(chunk) === mtmd_input_chunk_type.AUDIO;
}
