/**
 * Writes LoRA adapters that llama.cpp applies to the tiny chat model, or to SmolLM2-135M.
 *
 * The weights are seeded noise as strong as the model's own, so what is generated with an adapter
 * differs at a glance from what is generated without it or with another, and is the same on every run.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

const { f32, text } = metadataValue;

type Shape = {
  readonly layers: number;
  readonly width: number;
  readonly feedForward: number;
};

/** llama.cpp refuses an adapter whose shapes are not the weights', so this cannot quietly differ from tiny-models.ts. */
const TINY: Shape = { layers: 2, width: 64, feedForward: 128 };
export const SMOLLM2_135M: Shape = { layers: 30, width: 576, feedForward: 1536 };

const RANK = 4;

type NoiseLoraOptions = {
  /** Adapters with different seeds make the model say different things. Default 1. */
  readonly seed?: number;
  /** Of the model. Default: the tiny chat model's. */
  readonly shape?: Shape;
};

/** At scale 1 it adds about as much to what a layer passes on as the layer's own weights do. */
export async function writeNoiseLora(path: string, options: NoiseLoraOptions = {}): Promise<void> {
  const { seed = 1, shape = TINY } = options;
  const { layers, width, feedForward } = shape;
  const random = seededRandom(seed);
  const tensors = Array.from({ length: layers }, (_, layer) => [
    ...lowRank(random, `blk.${layer}.attn_output.weight`, [width, width]),
    ...lowRank(random, `blk.${layer}.ffn_down.weight`, [feedForward, width]),
  ]).flat();
  const metadata = {
    "general.type": text("adapter"),
    "general.architecture": text("llama"),
    "general.name": text("Noise"),
    "adapter.type": text("lora"),
    // llama.cpp multiplies by alpha / rank: as it is, only the scale of the context counts.
    "adapter.lora.alpha": f32(RANK),
  };
  await writeFile(path, encodeGguf({ metadata, tensors }));
}

/**
 * What is added to the weight of this name: first `lora_a` down to the rank, then `lora_b` up again.
 * With unit input the sum has a standard deviation of about 2, as the weight's own output has.
 */
function lowRank(
  random: () => number,
  name: string,
  dimensions: readonly [from: number, to: number],
): readonly GgufTensor[] {
  const [from, to] = dimensions;
  const down = normalValues(random, from * RANK, 1 / Math.sqrt(from));
  const up = normalValues(random, RANK * to, 2 / Math.sqrt(RANK));
  return [
    { name: `${name}.lora_a`, dimensions: [from, RANK], type: "f32", values: down },
    { name: `${name}.lora_b`, dimensions: [RANK, to], type: "f32", values: up },
  ];
}
