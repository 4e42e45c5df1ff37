/**
 * Writes a projector that hears: Ultravox's architecture, which is Whisper's encoder and a projection of frames that were
 * put together, small and of seeded noise. It hears in stretches of thirty seconds, each of which becomes `ROWS` rows.
 *
 * What a model says to noise means nothing, but it is another thing for another sound, and the same for the same.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

const { bool, f32, text, u32 } = metadataValue;

/** Of Whisper: what it hears is half as many places as there are hundredths of a second in a stretch. */
export const SAMPLE_RATE = 16_000;
export const STRETCH_SECONDS = 30;
const PLACES = 1500;
const STACKED = 10;
export const ROWS = PLACES / STACKED;

const FREQUENCIES = 80;
const FEATURES = 32;
const FEED_FORWARD = 64;
const HIDDEN = 32;
const HEADS = 2;
const KERNEL = 3;

export async function writeHearingProjector(path: string, dimensions: number): Promise<void> {
  const metadata = {
    "general.architecture": text("clip"),
    "general.file_type": u32(0),
    "clip.has_audio_encoder": bool(true),
    "clip.projector_type": text("ultravox"),
    "clip.use_gelu": bool(true),
    "clip.audio.embedding_length": u32(FEATURES),
    "clip.audio.feed_forward_length": u32(FEED_FORWARD),
    "clip.audio.block_count": u32(1),
    "clip.audio.projection_dim": u32(dimensions),
    "clip.audio.attention.head_count": u32(HEADS),
    "clip.audio.attention.layer_norm_epsilon": f32(1e-5),
    "clip.audio.num_mel_bins": u32(FREQUENCIES),
    "clip.audio.projector.stack_factor": u32(STACKED),
  };
  await writeFile(path, encodeGguf({ metadata, tensors: new Noise().tensors(dimensions) }));
}

class Noise {
  readonly #random = seededRandom(11);

  tensors(dimensions: number): readonly GgufTensor[] {
    return [
      this.#noise("a.conv1d.1.weight", [KERNEL, FREQUENCIES, FEATURES]),
      constant("a.conv1d.1.bias", 0, [1, FEATURES]),
      this.#noise("a.conv1d.2.weight", [KERNEL, FEATURES, FEATURES]),
      constant("a.conv1d.2.bias", 0, [1, FEATURES]),
      this.#noise("a.position_embd.weight", [FEATURES, PLACES]),
      ...this.#block("a.blk.0"),
      ...norm("a.post_ln"),
      constant("mm.a.norm_pre.weight", 1, [FEATURES * STACKED]),
      this.#noise("mm.a.mlp.1.weight", [FEATURES * STACKED, 2 * HIDDEN]),
      constant("mm.a.norm_mid.weight", 1, [HIDDEN]),
      this.#noise("mm.a.mlp.2.weight", [HIDDEN, dimensions]),
    ];
  }

  #block(name: string): readonly GgufTensor[] {
    return [
      ...this.#linear(`${name}.attn_q`, FEATURES, FEATURES),
      this.#noise(`${name}.attn_k.weight`, [FEATURES, FEATURES]),
      ...this.#linear(`${name}.attn_v`, FEATURES, FEATURES),
      ...this.#linear(`${name}.attn_out`, FEATURES, FEATURES),
      ...norm(`${name}.ln1`),
      ...norm(`${name}.ln2`),
      ...this.#linear(`${name}.ffn_up`, FEATURES, FEED_FORWARD),
      ...this.#linear(`${name}.ffn_down`, FEED_FORWARD, FEATURES),
    ];
  }

  #linear(name: string, from: number, to: number): readonly GgufTensor[] {
    return [this.#noise(`${name}.weight`, [from, to]), constant(`${name}.bias`, 0, [to])];
  }

  #noise(name: string, dimensions: readonly number[]): GgufTensor {
    const count = dimensions.reduce((product, one) => product * one, 1);
    const deviation = 1 / Math.sqrt(count / (dimensions.at(-1) ?? 1));
    return { name, dimensions, type: "f32", values: normalValues(this.#random, count, deviation) };
  }
}

function norm(name: string): readonly GgufTensor[] {
  return [constant(`${name}.weight`, 1, [FEATURES]), constant(`${name}.bias`, 0, [FEATURES])];
}

function constant(name: string, value: number, dimensions: readonly number[]): GgufTensor {
  const count = dimensions.reduce((product, one) => product * one, 1);
  return { name, dimensions, type: "f32", values: new Float32Array(count).fill(value) };
}
