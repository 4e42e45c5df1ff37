/**
 * Writes a tiny projector as the Qwen-VL models have them: its rows have places in a plane (M-RoPE), so a picture takes
 * fewer positions than rows. Its weights are seeded noise.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

const { bool, f32, f32s, text, u32 } = metadataValue;

const PATCH = 14;
const FEATURES = 32;
const HEADS = 2;
const FEED_FORWARD = 64;
/** Squares of two by two patches become a row. */
const MERGED = 4 * FEATURES;

export async function writePlanarProjector(path: string, dimensions: number): Promise<void> {
  const metadata = {
    "general.architecture": text("clip"),
    "general.file_type": u32(0),
    "clip.has_vision_encoder": bool(true),
    "clip.projector_type": text("qwen2vl_merger"),
    "clip.use_gelu": bool(true),
    "clip.vision.image_size": u32(8 * PATCH),
    "clip.vision.patch_size": u32(PATCH),
    "clip.vision.embedding_length": u32(FEATURES),
    "clip.vision.feed_forward_length": u32(FEED_FORWARD),
    "clip.vision.block_count": u32(1),
    "clip.vision.projection_dim": u32(dimensions),
    "clip.vision.attention.head_count": u32(HEADS),
    "clip.vision.attention.layer_norm_epsilon": f32(1e-6),
    "clip.vision.image_mean": f32s([0.5, 0.5, 0.5]),
    "clip.vision.image_std": f32s([0.5, 0.5, 0.5]),
  };
  await writeFile(path, encodeGguf({ metadata, tensors: tensors(seededRandom(7), dimensions) }));
}

function tensors(random: () => number, dimensions: number): readonly GgufTensor[] {
  const noise = (name: string, shape: readonly number[], inputs: number): GgufTensor => ({
    name,
    dimensions: shape,
    type: "f32",
    values: normalValues(
      random,
      shape.reduce((count, one) => count * one, 1),
      1 / Math.sqrt(inputs),
    ),
  });
  const linear = (name: string, from: number, to: number): readonly GgufTensor[] => [
    noise(`${name}.weight`, [from, to], from),
    constant(`${name}.bias`, 0, to),
  ];
  const norm = (name: string): readonly GgufTensor[] => [
    constant(`${name}.weight`, 1, FEATURES),
    constant(`${name}.bias`, 0, FEATURES),
  ];
  const patch = [PATCH, PATCH, 3, FEATURES];
  return [
    noise("v.patch_embd.weight", patch, PATCH * PATCH * 3),
    noise("v.patch_embd.weight.1", patch, PATCH * PATCH * 3),
    ...["attn_q", "attn_k", "attn_v", "attn_out"].flatMap((name) =>
      linear(`v.blk.0.${name}`, FEATURES, FEATURES),
    ),
    ...norm("v.blk.0.ln1"),
    ...norm("v.blk.0.ln2"),
    ...linear("v.blk.0.ffn_up", FEATURES, FEED_FORWARD),
    ...linear("v.blk.0.ffn_down", FEED_FORWARD, FEATURES),
    ...norm("v.post_ln"),
    ...linear("mm.0", MERGED, MERGED),
    ...linear("mm.2", MERGED, dimensions),
  ];
}

function constant(name: string, value: number, length: number): GgufTensor {
  return { name, dimensions: [length], type: "f32", values: new Float32Array(length).fill(value) };
}
