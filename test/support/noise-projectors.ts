/**
 * Writes projectors of seeded noise, for what the one that sees is not: tiny ones, and one as large as real ones are.
 *
 * As the Qwen-VL models have them: rows have places in a plane (M-RoPE), so a picture takes fewer positions than rows. As
 * Gemma 3 has it: rows attend to each other, whichever comes first, so a picture is evaluated whole. As SmolVLM has it: a
 * large picture becomes several chunks of rows, with text between them.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

const { bool, f32, f32s, text, u32 } = metadataValue;

/** Of the encoder, as its header tells it. */
export type EncoderShape = {
  readonly patch: number;
  /** Patches of a side. */
  readonly grid: number;
  readonly features: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly blocks: number;
  /** Squares of so many by so many patches become a row. */
  readonly merge: number;
  readonly weights: "f32" | "f16";
};

export const TINY: EncoderShape = {
  patch: 14,
  grid: 8,
  features: 32,
  heads: 2,
  feedForward: 64,
  blocks: 1,
  merge: 1,
  weights: "f32",
};

/** SigLIP base at 256 pixels: 93 million parameters, and some seconds of a core for a picture. */
export const SIGLIP_BASE: EncoderShape = {
  patch: 16,
  grid: 16,
  features: 768,
  heads: 12,
  feedForward: 3072,
  blocks: 12,
  merge: 4,
  weights: "f16",
};

/** Qwen's squares are of two by two patches, whatever a header says. */
const PLANAR_MERGE = 2;
/** So many values are drawn; what is larger repeats them. */
const DRAWN_VALUES = 2 ** 20;

type Kind = {
  readonly type: string;
  readonly tensors: (tower: Tower, dimensions: number) => readonly GgufTensor[];
};

export function writePlanarProjector(path: string, dimensions: number): Promise<void> {
  return write(path, dimensions, PLANAR, TINY);
}

export function writeWholeProjector(
  path: string,
  dimensions: number,
  shape: EncoderShape = TINY,
): Promise<void> {
  return write(path, dimensions, WHOLE, shape);
}

/** As LLaVA has it: every patch becomes a row. */
export function writeRowsProjector(
  path: string,
  dimensions: number,
  shape: EncoderShape = TINY,
): Promise<void> {
  return write(path, dimensions, ROWS, shape);
}

/** As SmolVLM has it: a picture that is large is looked at in tiles. */
export function writeTiledProjector(path: string, dimensions: number): Promise<void> {
  return write(path, dimensions, TILED, { ...TINY, merge: 2 });
}

async function write(
  path: string,
  dimensions: number,
  { type, tensors }: Kind,
  shape: EncoderShape,
): Promise<void> {
  const { patch, grid, features, heads, feedForward, blocks, merge } = shape;
  const metadata = {
    "general.architecture": text("clip"),
    "general.file_type": u32(shape.weights === "f16" ? 1 : 0),
    "clip.has_vision_encoder": bool(true),
    "clip.projector_type": text(type),
    "clip.use_gelu": bool(true),
    "clip.vision.image_size": u32(grid * patch),
    "clip.vision.patch_size": u32(patch),
    "clip.vision.embedding_length": u32(features),
    "clip.vision.feed_forward_length": u32(feedForward),
    "clip.vision.block_count": u32(blocks),
    "clip.vision.projection_dim": u32(dimensions),
    "clip.vision.projector.scale_factor": u32(merge),
    "clip.vision.attention.head_count": u32(heads),
    "clip.vision.attention.layer_norm_epsilon": f32(1e-6),
    "clip.vision.image_mean": f32s([0.5, 0.5, 0.5]),
    "clip.vision.image_std": f32s([0.5, 0.5, 0.5]),
  };
  const made = tensors(new Tower(shape), dimensions);
  await writeFile(path, encodeGguf({ metadata, tensors: made }));
}

const PLANAR: Kind = {
  type: "qwen2vl_merger",
  tensors: (tower, dimensions) => {
    const { patch, features } = tower.shape;
    const merged = PLANAR_MERGE ** 2 * features;
    return [
      ...tower.tensors(),
      tower.noise("v.patch_embd.weight.1", [patch, patch, 3, features]),
      ...tower.linear("mm.0", merged, merged),
      ...tower.linear("mm.2", merged, dimensions),
    ];
  },
};

const WHOLE: Kind = {
  type: "gemma3",
  tensors: (tower, dimensions) => [
    ...tower.tensors(),
    ...tower.places(),
    constant("mm.soft_emb_norm.weight", 1, tower.shape.features),
    tower.noise("mm.input_projection.weight", [dimensions, tower.shape.features]),
  ],
};

const TILED: Kind = {
  type: "idefics3",
  tensors: (tower, dimensions) => [
    ...tower.tensors(),
    ...tower.places(),
    tower.noise("mm.model.fc.weight", [tower.shape.merge ** 2 * tower.shape.features, dimensions]),
  ],
};

const ROWS: Kind = {
  type: "mlp",
  tensors: (tower, dimensions) => [
    ...tower.tensors(),
    ...tower.places(),
    ...tower.linear("mm.0", tower.shape.features, dimensions),
    ...tower.linear("mm.2", dimensions, dimensions),
  ],
};

/** The layers that look, of a shape. */
class Tower {
  readonly shape: EncoderShape;
  readonly #random = seededRandom(7);

  constructor(shape: EncoderShape) {
    this.shape = shape;
  }

  tensors(): readonly GgufTensor[] {
    const { patch, features, blocks } = this.shape;
    return [
      this.noise("v.patch_embd.weight", [patch, patch, 3, features]),
      ...Array.from({ length: blocks }, (_, block) => this.#block(`v.blk.${block}`)).flat(),
      ...norm("v.post_ln", features),
    ];
  }

  places(): readonly GgufTensor[] {
    const { features, grid } = this.shape;
    return [
      constant("v.patch_embd.bias", 0, features),
      { ...this.noise("v.position_embd.weight", [features, grid ** 2]), type: "f32" },
    ];
  }

  linear(name: string, from: number, to: number): readonly GgufTensor[] {
    return [this.noise(`${name}.weight`, [from, to]), constant(`${name}.bias`, 0, to)];
  }

  noise(name: string, dimensions: readonly number[]): GgufTensor {
    const count = dimensions.reduce((product, one) => product * one, 1);
    const deviation = 1 / Math.sqrt(count / (dimensions.at(-1) ?? 1));
    const drawn = normalValues(this.#random, Math.min(count, DRAWN_VALUES), deviation);
    const values = new Float32Array(count);
    for (let at = 0; at < count; at += drawn.length) {
      values.set(drawn.subarray(0, Math.min(drawn.length, count - at)), at);
    }
    return { name, dimensions, type: this.shape.weights, values };
  }

  #block(name: string): readonly GgufTensor[] {
    const { features, feedForward } = this.shape;
    return [
      ...["attn_q", "attn_k", "attn_v", "attn_out"].flatMap((part) =>
        this.linear(`${name}.${part}`, features, features),
      ),
      ...norm(`${name}.ln1`, features),
      ...norm(`${name}.ln2`, features),
      ...this.linear(`${name}.ffn_up`, features, feedForward),
      ...this.linear(`${name}.ffn_down`, feedForward, features),
    ];
  }
}

function norm(name: string, length: number): readonly GgufTensor[] {
  return [constant(`${name}.weight`, 1, length), constant(`${name}.bias`, 0, length)];
}

function constant(name: string, value: number, length: number): GgufTensor {
  return { name, dimensions: [length], type: "f32", values: new Float32Array(length).fill(value) };
}
