/**
 * The context that embeds: many inputs in one batch, each a sequence of its own.
 *
 * What a model pools over has to be evaluated at once, so a batch is as long as the longest input may be; nothing is
 * remembered from one batch to the next.
 */
import type { Batch } from "@localmodel/llama/batch.ts";
import { type Context, createContext } from "@localmodel/llama/context.ts";
import { llama_token_attr } from "@localmodel/llama/generated/constants.ts";
import type { Model } from "@localmodel/llama/model.ts";
import type { Vocabulary } from "@localmodel/llama/vocabulary.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { type PairPiece, plainPair, templatePair } from "../prompt/rerank-pairs.ts";
import type { Embedder } from "../stepping/embedding-queue.ts";
import { ropeOptions } from "./engine-settings.ts";
import type { LlamaLibrary } from "./library.ts";
import { orDoesNotFit } from "./memory-failure.ts";
import { memoryOf } from "./model.ts";
import type { StepThreads } from "./step-threads.ts";

/** A short input costs a batch a sequence and little else. */
const INPUTS_MAX = 64;

type EmbedderOptions = {
  readonly contextTokens: number;
  readonly batchTokens: number;
  readonly threads: StepThreads;
  readonly rope?: EngineSpec["rope"];
};

export async function createEmbedder(
  library: LlamaLibrary,
  model: Model,
  options: EmbedderOptions,
): Promise<Embedder> {
  const tokens = Math.max(options.contextTokens, options.batchTokens);
  const context = await orDoesNotFit(library, `a context of ${tokens} tokens`, () =>
    createContext(model, {
      contextTokens: tokens,
      batchTokens: tokens,
      microBatchTokens: tokens,
      sequences: INPUTS_MAX,
      unifiedCache: true,
      embeddings: true,
      ...(options.rope !== undefined && { rope: ropeOptions(options.rope) }),
      threads: options.threads.counts.prompt,
      cores: options.threads.cores,
    }),
  );
  const batch = context.createBatch({ tokens });
  const ends = endsOf(model.vocabulary);
  return {
    inputsMax: INPUTS_MAX,
    batchTokens: options.batchTokens,
    memoryBytes: memoryOf(context.reservations),
    pair: pairOf(model),
    complete: (input) => complete(input, ends),
    embed: (inputs) =>
      options.threads.during("prompt", context, () => embed(context, batch, inputs)),
  };
}

async function embed(
  context: Context,
  batch: Batch,
  inputs: readonly (readonly number[])[],
): Promise<readonly Float32Array[]> {
  if (context.sequences.remembers) context.sequences.clear();
  batch.clear();
  for (const [sequence, tokens] of inputs.entries()) {
    for (const [position, token] of tokens.entries()) batch.add(token, position, sequence, true);
  }
  const evaluated = await context.decode(batch);
  if (evaluated !== "done") throw new Error(`llama.cpp did not embed a batch: ${evaluated}`);
  return inputs.map((_, sequence) => context.outputs.sequenceEmbedding(sequence).slice());
}

type Ends = { readonly first: number | undefined; readonly last: number | undefined };

/** What the model wants around a text, by the rules of llama.cpp's tokenizers. */
function endsOf({ kind, special, adds }: Vocabulary): Ends {
  if (kind === "rwkv" || kind === "none") return { first: undefined, last: undefined };
  if (kind === "wpm") return { first: special.bos, last: special.sep };
  return {
    first: adds.bos && kind !== "ugm" ? special.bos : undefined,
    last: adds.eos || kind === "ugm" ? special.eos : undefined,
  };
}

function complete(input: readonly number[], { first, last }: Ends): readonly number[] {
  return [
    ...(first === undefined || input[0] === first ? [] : [first]),
    ...input,
    ...(last === undefined || input.at(-1) === last ? [] : [last]),
  ];
}

function pairOf(model: Model): readonly PairPiece[] {
  const { vocabulary } = model;
  const template = model.chatTemplate("rerank");
  if (template !== undefined) return templatePair(template, controlTokens(vocabulary));
  const { special, adds } = vocabulary;
  return plainPair({
    bos: adds.bos ? special.bos : undefined,
    eos: adds.eos ? (special.eos ?? special.sep) : undefined,
    sep: adds.sep ? special.sep : undefined,
  });
}

function controlTokens(vocabulary: Vocabulary): ReadonlyMap<string, number> {
  const tokens = Array.from({ length: vocabulary.size }, (_, token) => token);
  const control = tokens.filter(
    (token) => (vocabulary.attributeBits(token) & llama_token_attr.CONTROL) !== 0,
  );
  return new Map(control.map((token) => [vocabulary.text(token), token]));
}
