/**
 * The last stage of a sampler, in place of several of llama.cpp's: each token that is likely enough is drawn as often as it is
 * likely.
 *
 * llama.cpp's own want a list sorted whole for top p, and for a seed to mean the same text in any company (see
 * weighted-draw.ts): for a vocabulary that takes half as long as a small model's step. Random numbers are a hash of the seed and
 * of how many there have been, so a copy goes on by itself.
 */
import { hash } from "node:crypto";
import type { Model } from "../model.ts";
import { softmaxOf } from "./softmax.ts";
import type { Stage } from "./stages.ts";
import { drawn, dropUnlikely, temper } from "./weighted-draw.ts";

type Draw = Extract<Stage, { type: "draw" }>;

const RANDOM_BYTES = 6;

export class Drawing {
  readonly #model: Model;
  readonly #stage: Draw;
  #draws: number;

  /** `draws`: how many there have been. */
  constructor(model: Model, stage: Draw, draws = 0) {
    this.#model = model;
    this.#stage = stage;
    this.#draws = draws;
  }

  /** Undefined where no token has a chance. */
  from(logits: Float32Array): number | undefined {
    const share = randomAt(this.#stage.seed, this.#draws);
    this.#draws += 1;
    return drawn(this.#weights(logits), share);
  }

  #weights(logits: Float32Array): Float32Array {
    const { topP, minP, temperature } = this.#stage;
    const softmax = softmaxOf(this.#model);
    if (topP >= 1 && minP <= 0) return softmax.probabilities(logits, temperature);
    // What is likely enough is decided before the temperature, as llama.cpp's server does.
    const weights = softmax.probabilities(logits, 1);
    dropUnlikely(weights, { topP, minP });
    if (temperature !== 1) temper(weights, temperature);
    return weights;
  }

  reset(): void {
    this.#draws = 0;
  }

  copy(): Drawing {
    return new Drawing(this.#model, this.#stage, this.#draws);
  }
}

/** From 0 to 1, without 1. */
function randomAt(seed: number, draws: number): number {
  const bytes = hash("sha256", `${seed} ${draws}`, "buffer");
  return bytes.readUIntBE(0, RANDOM_BYTES) / 2 ** (8 * RANDOM_BYTES);
}
