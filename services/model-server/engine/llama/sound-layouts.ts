/**
 * What sounds become, by their length: asked of the projector once for each, since it takes a sound to pieces for that,
 * and a conversation has its sounds again with every turn.
 */
import type { Projector } from "@localmodel/llama/vision/projector.ts";
import type { PictureChunk } from "../prompt/picture-rows.ts";

const REMEMBERED = 256;

export class SoundLayouts {
  readonly #projector: Pick<Projector, "soundLayout">;
  /** By number of samples; the one used longest ago first. */
  readonly #known = new Map<number, readonly PictureChunk[]>();

  constructor(projector: Pick<Projector, "soundLayout">) {
    this.#projector = projector;
  }

  async of(samples: number, signal: AbortSignal | undefined): Promise<readonly PictureChunk[]> {
    const chunks =
      this.#known.get(samples) ?? (await this.#projector.soundLayout({ samples }, signal));
    this.#known.delete(samples);
    this.#known.set(samples, chunks);
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    return chunks;
  }
}
