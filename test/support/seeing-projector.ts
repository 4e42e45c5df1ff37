/**
 * Writes a projector that really sees, in closed form and without training: colours, and the letters of glyphs.ts.
 *
 * A picture is cut into squares, and each square becomes a row: the embedding of a token of the language model, of the
 * letter or the colour that fills the square. So a model reads a picture as if its tokens had been written there.
 *
 * How: the first layer compares each square with every letter, pixel by pixel, and takes its mean colour. The two
 * layers behind the tower turn a comparison that succeeds into the token's embedding, and any other into nothing. The
 * tower's block between them is all zeros, and changes nothing.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { type Colour, COLOURS, GLYPH_PIXELS, GLYPHS, GRID, hasInk } from "./glyphs.ts";

const { bool, f32, f32s, text, u32 } = metadataValue;

const PIXELS = GLYPH_PIXELS ** 2;
const CHANNELS = 3;
const FEATURES = 64;
const HIDDEN = 64;
/** What a detector answers to what it looks for; what it answers to others is as far below zero, which becomes 0. */
const ANSWER = 10;

export type SeenTokens = {
  /** Of the model's embeddings. */
  readonly dimensions: number;
  readonly letters: (letter: string) => Float32Array;
  readonly colours: (colour: Colour) => Float32Array;
};

export async function writeSeeingProjector(path: string, seen: SeenTokens): Promise<void> {
  await writeFile(path, encodeGguf({ metadata: metadata(seen), tensors: tensors(seen) }));
}

function metadata({ dimensions }: SeenTokens) {
  return {
    "general.architecture": text("clip"),
    "general.name": text("Seeing"),
    "general.file_type": u32(0),
    "clip.has_vision_encoder": bool(true),
    "clip.projector_type": text("mlp"),
    "clip.use_gelu": bool(true),
    "clip.vision.image_size": u32(GLYPH_PIXELS * GRID),
    "clip.vision.patch_size": u32(GLYPH_PIXELS),
    "clip.vision.embedding_length": u32(FEATURES),
    "clip.vision.feed_forward_length": u32(FEATURES),
    "clip.vision.block_count": u32(1),
    "clip.vision.projection_dim": u32(dimensions),
    "clip.vision.attention.head_count": u32(1),
    "clip.vision.attention.layer_norm_epsilon": f32(1e-5),
    "clip.vision.image_mean": f32s([0.5, 0.5, 0.5]),
    "clip.vision.image_std": f32s([0.5, 0.5, 0.5]),
  };
}

/** Looks for a letter or a colour among a square's features. */
type Detector = {
  readonly weights: (feature: number) => number;
  readonly bias: number;
  readonly token: Float32Array;
};

function tensors(seen: SeenTokens): readonly GgufTensor[] {
  const { dimensions } = seen;
  const detectors = [...colourDetectors(seen), ...letterDetectors(seen)];
  const square = [FEATURES, FEATURES];
  return [
    tensor("v.patch_embd.weight", [GLYPH_PIXELS, GLYPH_PIXELS, CHANNELS, FEATURES], filterAt),
    tensor("v.position_embd.weight", [FEATURES, GRID ** 2], () => 0),
    ...["attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"].map((name) =>
      tensor(`v.blk.0.${name}.weight`, square, () => 0),
    ),
    ...["ln1", "ln2"].flatMap((name) => [
      tensor(`v.blk.0.${name}.weight`, [FEATURES], () => 1),
      tensor(`v.blk.0.${name}.bias`, [FEATURES], () => 0),
    ]),
    tensor("mm.0.weight", [FEATURES, HIDDEN], (at) => {
      const detector = detectors[Math.floor(at / FEATURES)];
      return detector?.weights(at % FEATURES) ?? 0;
    }),
    tensor("mm.0.bias", [HIDDEN], (at) => detectors[at]?.bias ?? -ANSWER),
    tensor("mm.2.weight", [HIDDEN, dimensions], (at) => {
      const token = detectors[at % HIDDEN]?.token;
      return (token?.[Math.floor(at / HIDDEN)] ?? 0) / ANSWER;
    }),
    tensor("mm.2.bias", [dimensions], () => 0),
  ];
}

/** Features 0 to 2 are the means of red, green and blue; each of the others is 1 for its own letter alone. */
function filterAt(at: number): number {
  const pixel = at % PIXELS;
  const channel = Math.floor(at / PIXELS) % CHANNELS;
  const feature = Math.floor(at / (PIXELS * CHANNELS));
  if (feature < CHANNELS) return feature === channel ? 1 / PIXELS : 0;
  const letter = GLYPHS[feature - CHANNELS];
  return letter === undefined ? 0 : brightness(letter, pixel) / (PIXELS * CHANNELS);
}

/** As the picture's pixels come: 1 is white, -1 black. */
function brightness(letter: string, pixel: number): number {
  return hasInk(letter, pixel % GLYPH_PIXELS, Math.floor(pixel / GLYPH_PIXELS)) ? -1 : 1;
}

function letterDetectors({ letters }: SeenTokens): readonly Detector[] {
  return GLYPHS.map((letter, index) => {
    const nearest = Math.max(
      ...GLYPHS.filter((other) => other !== letter).map((other) => likeness(letter, other)),
      likeness(letter, undefined),
    );
    // In the middle between the letter itself, which is 1, and what is most like it.
    const slope = (2 * ANSWER) / (1 - nearest);
    return {
      weights: (feature) => (feature === CHANNELS + index ? slope : 0),
      bias: ANSWER - slope,
      token: letters(letter),
    };
  });
}

/** Of two letters, or of one and white. */
function likeness(letter: string, other: string | undefined): number {
  let sum = 0;
  for (let pixel = 0; pixel < PIXELS; pixel += 1) {
    sum += brightness(letter, pixel) * (other === undefined ? 1 : brightness(other, pixel));
  }
  return sum / PIXELS;
}

function colourDetectors({ colours }: SeenTokens): readonly Detector[] {
  return (Object.keys(COLOURS) as Colour[]).map((colour) => {
    const signs = COLOURS[colour].map((part) => 2 * part - 1);
    // A square of this colour makes 3 of it, and one that is mostly so, a letter on white, no more than about 2.
    const slope = (2 * ANSWER) / (CHANNELS - LETTER_ON_WHITE);
    return {
      weights: (feature) => slope * (signs[feature] ?? 0),
      bias: ANSWER - slope * CHANNELS,
      token: colours(colour),
    };
  });
}

/** The mean of the letter with the least ink, in all three colours. */
const LETTER_ON_WHITE = CHANNELS * Math.max(...GLYPHS.map((letter) => likeness(letter, undefined)));

function tensor(
  name: string,
  dimensions: readonly number[],
  valueAt: (at: number) => number,
): GgufTensor {
  const count = dimensions.reduce((product, dimension) => product * dimension, 1);
  const values = Float32Array.from({ length: count }, (_, at) => valueAt(at));
  return { name, dimensions, type: "f32", values };
}
