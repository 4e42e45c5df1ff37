/**
 * What looking at a picture, or hearing a sound, takes, from a projector's header: known before there is a pod. Pure.
 *
 * A picture is cut into patches, and of each the encoder holds some vectors at a time; what it takes is that, times the
 * patches of the largest picture. That has the size in the header where pictures, or the tiles that they are cut into, are
 * all made that size; otherwise it is the largest that a request may show. The numbers of vectors are those of llama.cpp's
 * encoders, measured (test/model-server/encoder-memory.test.ts). A sound is heard in stretches, so its length means nothing.
 */
import { PICTURE_MAX_PIXELS } from "@localmodel/localmodel/contracts/picture-limits.ts";
import type { GgufValues } from "./gguf-header.ts";
import { hears, visionKindOf } from "./projector-kind.ts";

/** Kinds that look at one size alone. */
const ONE_SIZE: ReadonlySet<string> = new Set([
  "adapter",
  "gemma3",
  "gemma3nv",
  "idefics3",
  "internvl",
  "janus_pro",
  "ldp",
  "ldpv2",
  "llama4",
  "mlp",
  "mlp_norm",
  "nemotron_v2_vl",
]);

const FLOAT_BYTES = 4;
/** Of a patch, beside what is fed forward: what comes in and goes out of a layer, its queries, keys and values. */
const VECTORS = 5;
const CHANNELS = 3;
/** Of a patch's pixels: as the picture has them, and as the first layer wants them. */
const PIXEL_COPIES = 2;
/** Where patches look at those nearby alone, which those are is a table of all patches, in 32 bits and in 16. */
const TABLE_BYTES = 6;
/** No encoder of that kind looks at more. */
const TABLE_MAX_PATCHES = 4096 * 4;
/** Whisper's, of thirty seconds: nearly all that hear have its encoder, and no other has more places in a stretch. */
const STRETCH_PLACES = 1500;
/** What comes in, for each place: two moments, as they are and as the first layers want them. */
const MOMENT_COPIES = 6;
/** Graphs, and what a thread works with. */
const SPARE_BYTES = 64 * 2 ** 20;

/** A header that says more is wrong. */
const MOST_BYTES = 2 ** 36;

/** Undefined where the header does not tell. One thing is encoded at a time, and the memory of each stays. */
export function encoderBytes(values: GgufValues): number | undefined {
  const seeing = pictureBytes(values);
  const hearing = hears(values) ? soundBytes(values) : undefined;
  if (seeing === undefined || hearing === undefined) return seeing ?? hearing;
  return seeing + hearing;
}

function soundBytes(values: GgufValues): number | undefined {
  const count = (name: string): number => countOf(values.get(`clip.audio.${name}`));
  const width = count("embedding_length");
  if (width === 0) return undefined;
  const floats =
    count("feed_forward_length") +
    VECTORS * width +
    MOMENT_COPIES * (count("num_mel_bins") + width) +
    count("projection_dim");
  const bytes = FLOAT_BYTES * STRETCH_PLACES * floats + SPARE_BYTES;
  return bytes <= MOST_BYTES ? bytes : undefined;
}

function pictureBytes(values: GgufValues): number | undefined {
  const count = (name: string): number => countOf(values.get(`clip.vision.${name}`));
  const [side, width] = [count("patch_size"), count("embedding_length")];
  const kind = visionKindOf(values);
  if (kind === undefined || side === 0 || width === 0) return undefined;
  const own = Math.ceil(count("image_size") / side) ** 2;
  const largest = ONE_SIZE.has(kind)
    ? own
    : Math.max(own, Math.ceil(PICTURE_MAX_PIXELS / side ** 2));
  const hasTable = count("n_wa_pattern") > 0;
  const patches = hasTable ? Math.min(largest, TABLE_MAX_PATCHES) : largest;
  const floats =
    count("feed_forward_length") +
    VECTORS * width +
    PIXEL_COPIES * CHANNELS * side ** 2 +
    count("projection_dim");
  const tableBytes = hasTable ? TABLE_BYTES * patches ** 2 : 0;
  const bytes = FLOAT_BYTES * patches * floats + tableBytes + SPARE_BYTES;
  return bytes <= MOST_BYTES ? bytes : undefined;
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
