/**
 * Writes tiny projectors of seeded noise, for what the one that sees is not.
 *
 * As the Qwen-VL models have them: rows have places in a plane (M-RoPE), so a picture takes fewer positions than rows. As
 * Gemma 3 has it: rows attend to each other, whichever comes first, so a picture is evaluated whole.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

const { bool, f32, f32s, text, u32 } = metadataValue;

const PATCH = 14;
const GRID = 8;
const FEATURES = 32;
const HEADS = 2;
const FEED_FORWARD = 64;
/** Squares of two by two patches become a row. */
const MERGED = 4 * FEATURES;

type Tensors = (random: () => number, dimensions: number) => readonly GgufTensor[];

export function writePlanarProjector(path: string, dimensions: number): Promise<void> {
  return write(path, dimensions, { type: "qwen2vl_merger", tensors: planar });
}

export function writeWholeProjector(path: string, dimensions: number): Promise<void> {
  return write(path, dimensions, { type: "gemma3", tensors: whole });
}

async function write(
  path: string,
  dimensions: number,
  { type, tensors }: { readonly type: string; readonly tensors: Tensors },
): Promise<void> {
  const metadata = {
    "general.architecture": text("clip"),
    "general.file_type": u32(0),
    "clip.has_vision_encoder": bool(true),
    "clip.projector_type": text(type),
    "clip.use_gelu": bool(true),
    "clip.vision.image_size": u32(GRID * PATCH),
    "clip.vision.patch_size": u32(PATCH),
    "clip.vision.embedding_length": u32(FEATURES),
    "clip.vision.feed_forward_length": u32(FEED_FORWARD),
    "clip.vision.block_count": u32(1),
    "clip.vision.projection_dim": u32(dimensions),
    "clip.vision.projector.scale_factor": u32(1),
    "clip.vision.attention.head_count": u32(HEADS),
    "clip.vision.attention.layer_norm_epsilon": f32(1e-6),
    "clip.vision.image_mean": f32s([0.5, 0.5, 0.5]),
    "clip.vision.image_std": f32s([0.5, 0.5, 0.5]),
  };
  await writeFile(path, encodeGguf({ metadata, tensors: tensors(seededRandom(7), dimensions) }));
}

const planar: Tensors = (random, dimensions) => [
  ...tower(random),
  noise(random, "v.patch_embd.weight.1", [PATCH, PATCH, 3, FEATURES]),
  ...linear(random, "mm.0", MERGED, MERGED),
  ...linear(random, "mm.2", MERGED, dimensions),
];

const whole: Tensors = (random, dimensions) => [
  ...tower(random),
  constant("v.patch_embd.bias", 0, FEATURES),
  noise(random, "v.position_embd.weight", [FEATURES, GRID ** 2]),
  constant("mm.soft_emb_norm.weight", 1, FEATURES),
  noise(random, "mm.input_projection.weight", [dimensions, FEATURES]),
];

function tower(random: () => number): readonly GgufTensor[] {
  return [
    noise(random, "v.patch_embd.weight", [PATCH, PATCH, 3, FEATURES]),
    ...["attn_q", "attn_k", "attn_v", "attn_out"].flatMap((name) =>
      linear(random, `v.blk.0.${name}`, FEATURES, FEATURES),
    ),
    ...norm("v.blk.0.ln1"),
    ...norm("v.blk.0.ln2"),
    ...linear(random, "v.blk.0.ffn_up", FEATURES, FEED_FORWARD),
    ...linear(random, "v.blk.0.ffn_down", FEED_FORWARD, FEATURES),
    ...norm("v.post_ln"),
  ];
}

function noise(random: () => number, name: string, dimensions: readonly number[]): GgufTensor {
  const count = dimensions.reduce((product, one) => product * one, 1);
  const deviation = 1 / Math.sqrt(count / (dimensions.at(-1) ?? 1));
  return { name, dimensions, type: "f32", values: normalValues(random, count, deviation) };
}

function linear(
  random: () => number,
  name: string,
  from: number,
  to: number,
): readonly GgufTensor[] {
  return [noise(random, `${name}.weight`, [from, to]), constant(`${name}.bias`, 0, to)];
}

function norm(name: string): readonly GgufTensor[] {
  return [constant(`${name}.weight`, 1, FEATURES), constant(`${name}.bias`, 0, FEATURES)];
}

function constant(name: string, value: number, length: number): GgufTensor {
  return { name, dimensions: [length], type: "f32", values: new Float32Array(length).fill(value) };
}
