/** The context that embeds. It holds one sequence; embedding-queue.ts lets requests take turns. */
import type { LlamaModel, Token } from "node-llama-cpp";
import type { Embedder } from "../stepping/embedding-queue.ts";
import { orDoesNotFit } from "./memory-failure.ts";

export async function createEmbedder(
  model: LlamaModel,
  options: { readonly contextTokens: number; readonly threads: number },
): Promise<Embedder> {
  // Encoders see the whole input at once, and the library wants one token of room.
  const contextSize = options.contextTokens + 1;
  const context = await orDoesNotFit(`a context of ${options.contextTokens} tokens`, () =>
    model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads: options.threads }),
  );
  return {
    evaluatedTokens: (input) => context.calculateInputLength([...input] as Token[]),
    embed: async (input) => (await context.getEmbeddingFor([...input] as Token[])).vector,
  };
}
