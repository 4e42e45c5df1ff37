/** The contexts that generate: the model's own, and one for each adapter that clients choose. */
import { adapterIdsOf } from "@localmodel/localmodel/resource/adapters.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Model } from "@localmodel/llama/model.ts";
import { type ContextOptions, createGenerationContext, type GenerationContext } from "./context.ts";
import type { LlamaLibrary } from "./library.ts";

export type Generating = {
  /** Its id; undefined for the model's own context. */
  readonly adapter: string | undefined;
  readonly context: GenerationContext;
};

/** The model's own first. Adapters without an id are applied in all. */
export async function createGenerations(
  library: LlamaLibrary,
  model: Model,
  { adapters }: Pick<ServerConfig, "adapters">,
  options: Omit<ContextOptions, "adapters">,
): Promise<readonly Generating[]> {
  const generations: Generating[] = [];
  for (const adapter of [undefined, ...adapterIdsOf({ adapters })]) {
    const applied = adapters.filter(({ id }) => id === undefined || id === adapter);
    const context = await createGenerationContext(library, model, {
      ...options,
      adapters: applied,
    });
    generations.push({ adapter, context });
  }
  return generations;
}
