/** Loads the small model that drafts for the large one, and checks that it says the same by the same tokens. */
import type { Model } from "@localmodel/llama/model.ts";
import type { Vocabulary } from "@localmodel/llama/vocabulary.ts";
import { ALL_LAYERS } from "../machine/gpu-layers.ts";
import { shapeProblem } from "../model/draft-vocabulary.ts";
import { Drafter } from "../stepping/drafter.ts";
import { type ContextOptions, createGenerationContext } from "./context.ts";
import type { LlamaLibrary } from "./library.ts";
import { loadWeights, type MemoryBytes, memoryOf } from "./model.ts";

export type DraftModel = {
  readonly drafter: Drafter;
  readonly model: Model;
  /** What takes memory. */
  readonly parts: readonly { readonly memoryBytes: MemoryBytes }[];
};

export async function loadDraftModel(
  library: LlamaLibrary,
  model: Model,
  path: string,
  options: Omit<ContextOptions, "adapters">,
): Promise<DraftModel> {
  const gpuLayers = library.llama.gpu === false ? 0 : ALL_LAYERS;
  const draft = await loadWeights(library, { path, gpuLayers, onProgress: () => {} });
  const problem = vocabularyProblem(model.vocabulary, draft.vocabulary);
  if (problem !== undefined) {
    draft[Symbol.dispose]();
    throw new Error(`The draft model ${path} cannot draft for this model: ${problem}`);
  }
  const context = await createGenerationContext(library, draft, { ...options, adapters: [] });
  if (!context.cutsAnywhere) {
    draft[Symbol.dispose]();
    throw new Error(
      `The draft model ${path} cannot take back what it drafted: it has a window or a recurrent state`,
    );
  }
  return {
    drafter: new Drafter(context, model.vocabulary.size),
    model: draft,
    parts: [{ memoryBytes: memoryOf(draft.reservations) }, context],
  };
}

function vocabularyProblem(own: Vocabulary, drafts: Vocabulary): string | undefined {
  const problem = shapeProblem(own, drafts);
  if (problem !== undefined) return problem;
  for (let token = 0; token < Math.min(own.size, drafts.size); token += 1) {
    const [text, other] = [own.text(token), drafts.text(token)];
    if (text !== other) {
      return `its token ${token} is ${JSON.stringify(other)}, not ${JSON.stringify(text)}`;
    }
  }
  return undefined;
}
