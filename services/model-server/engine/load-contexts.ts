/** What a model computes in: contexts for one that generates and for one that drafts for it, or for one that embeds. */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Model } from "@localmodel/llama/model.ts";
import {
  type ContextOptions,
  createGenerationContext,
  type GenerationContext,
} from "./llama/context.ts";
import { type DraftModel, loadDraftModel } from "./llama/draft-model.ts";
import { createEmbedder } from "./llama/embedder.ts";
import type { LlamaLibrary } from "./llama/library.ts";
import type { Embedder } from "./stepping/embedding-queue.ts";

type Contexts = {
  readonly context: GenerationContext | undefined;
  readonly embedder: Embedder | undefined;
  readonly draft: DraftModel | undefined;
};

export async function createContexts(
  library: LlamaLibrary,
  model: Model,
  config: ServerConfig,
  { embeds, ...options }: ContextOptions & { readonly embeds: boolean },
): Promise<Contexts> {
  if (embeds) {
    const embedder = await createEmbedder(library, model, options);
    return { context: undefined, embedder, draft: undefined };
  }
  const context = await createGenerationContext(library, model, options);
  const draft = await draftModelOf(library, model, config, options);
  return { context, embedder: undefined, draft };
}

async function draftModelOf(
  library: LlamaLibrary,
  model: Model,
  { draftPath }: ServerConfig,
  options: Omit<ContextOptions, "adapters">,
): Promise<DraftModel | undefined> {
  if (draftPath === undefined) return undefined;
  return loadDraftModel(library, model, draftPath, options);
}
