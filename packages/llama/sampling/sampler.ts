/**
 * A chain of stages that chooses tokens. It remembers what it accepted, so each sequence has its own, for as long as
 * it generates; freed with `dispose`, at the latest with its model.
 */
import type { Context } from "../context.ts";
import type { Model } from "../model.ts";
import { LlamaError } from "../native/errors.ts";
import { Handle } from "../native/handle.ts";
import { required } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";
import { Candidates } from "./candidates.ts";
import { Drawing } from "./drawing.ts";
import { assertSettings, chooses, makeStage, type Stage } from "./stages.ts";

/** No token is left that the grammar, the biases and the other stages allow. */
export class NothingToChooseError extends Error {
  override readonly name = "NothingToChooseError";
}

export type SamplerOptions = {
  /** Applied in this order. */
  readonly stages: readonly Stage[];
  /** Measures what `performance` tells. Default false. */
  readonly measures?: boolean;
};

/**
 * @throws RangeError for settings that no stage of the kind can have
 * @throws LlamaError for a grammar that llama.cpp cannot read: it writes to standard error what it stopped at
 */
export function createSampler(model: Model, { stages, measures = false }: SamplerOptions): Sampler {
  const { native } = model.llama;
  const { call } = native;
  model.handle.assertAlive();
  const params = { ...call.llama_sampler_chain_default_params(), no_perf: !measures };
  const chain = required(call.llama_sampler_chain_init(params), "make a sampler");
  try {
    for (const stage of stages) {
      assertSettings(stage);
      if (stage.type === "draw") continue;
      const made = makeStage(stage, native, model.vocabulary);
      call.llama_sampler_chain_add(chain, required(made, `make a ${stage.type} sampler`));
    }
  } catch (error) {
    call.llama_sampler_free(chain);
    throw error;
  }
  return new Sampler(model, chain, stages);
}

export class Sampler implements Disposable {
  readonly #model: Model;
  readonly #stages: readonly Stage[];
  readonly #handle: Handle<"llama_sampler">;
  readonly #grammars: readonly Pointer<"llama_sampler">[];
  /** Where it draws, and llama.cpp does not. */
  readonly #drawing: Drawing | undefined;
  readonly #shaped: Float32Array | undefined;
  #candidates: Candidates | undefined;
  #one: Candidates | undefined;

  constructor(
    model: Model,
    chain: Pointer<"llama_sampler">,
    stages: readonly Stage[],
    drawing = drawingOf(model, stages),
  ) {
    const { call } = model.llama.native;
    this.#model = model;
    this.#stages = stages;
    this.#drawing = drawing;
    if (drawing && stages.length > 1) this.#shaped = new Float32Array(model.vocabulary.size);
    this.#grammars = stages.flatMap(({ type }, index) =>
      type === "grammar"
        ? [required(call.llama_sampler_chain_get(chain, index), "find a grammar")]
        : [],
    );
    this.#handle = new Handle("sampler", chain, (freed) => this.#free(freed), model.handle);
  }

  /**
   * Chooses from the logits at this index of the batch that was evaluated last, and accepts what it chose.
   *
   * @throws NothingToChooseError when the stages leave no token
   */
  sample(context: Context, index: number): number {
    const chain = this.#handle.pointer;
    this.#assertChooses();
    if (this.#grammars.length > 0 || this.#drawing) {
      const token = this.choose(context.outputs.logits(index));
      this.#call.llama_sampler_accept(chain, token);
      return token;
    }
    return this.#call.llama_sampler_sample(chain, context.outputs.at(index), index);
  }

  /** Chooses, and accepts nothing: for who looks at the token first. */
  choose(logits: Float32Array): number {
    this.#handle.assertAlive();
    this.#assertChooses();
    const token = this.#drawing ? this.#drawn(this.#drawing, logits) : this.#selected(logits);
    if (token !== undefined) return token;
    throw new NothingToChooseError("The sampler's stages leave no token to choose");
  }

  #drawn(drawing: Drawing, logits: Float32Array): number | undefined {
    const shaped = this.#shaped;
    if (shaped === undefined) return drawing.from(logits);
    this.#applied(logits).logitsInto(shaped);
    return drawing.from(shaped);
  }

  #selected(logits: Float32Array): number | undefined {
    const { selected } = this.#applied(logits);
    // A grammar ends the process when it is told to accept what it has refused.
    return selected?.logit === Number.NEGATIVE_INFINITY ? undefined : selected?.token;
  }

  #applied(logits: Float32Array): Candidates {
    this.#candidates ??= new Candidates(this.#model.vocabulary.size);
    // Stages end the process when there is nothing to choose from.
    const isEmpty = this.#candidates.fill(logits) === 0;
    if (!isEmpty) this.apply(this.#candidates);
    return this.#candidates;
  }

  apply(candidates: Candidates): void {
    this.#call.llama_sampler_apply(this.#handle.pointer, candidates.address);
  }

  /** Whether the grammars, if there are any, let the token come next. */
  allows(token: number): boolean {
    this.#handle.assertAlive();
    this.#model.vocabulary.check(token);
    if (this.#grammars.length === 0) return true;
    const candidates = (this.#one ??= new Candidates(1));
    return this.#grammars.every((grammar) => {
      candidates.only([token]);
      this.#call.llama_sampler_apply(grammar, candidates.address);
      return candidates.all()[0]?.logit !== Number.NEGATIVE_INFINITY;
    });
  }

  /** @throws LlamaError when a grammar does not allow the token; then nothing was accepted */
  accept(token: number): void {
    if (!this.allows(token)) throw new LlamaError(`The grammar does not allow token ${token} here`);
    this.#call.llama_sampler_accept(this.#handle.pointer, token);
  }

  /** Forgets what it accepted, and begins with its seed again. */
  reset(): void {
    this.#call.llama_sampler_reset(this.#handle.pointer);
    this.#drawing?.reset();
  }

  /** Another that has accepted the same, and is at the same place of its random numbers. */
  clone(): Sampler {
    const copy = this.#call.llama_sampler_clone(this.#handle.pointer);
    const chain = required(copy, "copy a sampler");
    return new Sampler(this.#model, chain, this.#stages, this.#drawing?.copy());
  }

  /** What was measured since the start or the last reset, when the sampler measures. */
  performance(): { readonly sampleMs: number; readonly samples: number } {
    const { t_sample_ms, n_sample } = this.#call.llama_perf_sampler(this.#handle.pointer);
    return { sampleMs: t_sample_ms, samples: n_sample };
  }

  resetPerformance(): void {
    this.#call.llama_perf_sampler_reset(this.#handle.pointer);
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }

  get #call() {
    return this.#model.llama.native.call;
  }

  #assertChooses(): void {
    const last = this.#stages.at(-1);
    if (last !== undefined && chooses(last)) return;
    throw new RangeError("A sampler chooses when its last stage does: greedy, dist or the like");
  }

  #free(chain: Pointer<"llama_sampler">): void {
    this.#candidates?.[Symbol.dispose]();
    this.#one?.[Symbol.dispose]();
    this.#call.llama_sampler_free(chain);
  }
}

function drawingOf(model: Model, stages: readonly Stage[]): Drawing | undefined {
  const last = stages.at(-1);
  return last?.type === "draw" ? new Drawing(model, last) : undefined;
}
