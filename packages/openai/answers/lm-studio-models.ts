/** GET /api/v0/models and /api/v0/models/{id}: models as LM Studio lists them beside OpenAI's list. */

type Listed = {
  readonly id: string;
  readonly isLoaded: boolean;
  readonly facts?: {
    readonly contextTokens?: number;
    readonly trainContextTokens?: number;
    readonly architecture?: string;
    readonly quantization?: string;
    readonly capabilities?: readonly string[];
  };
};

export function lmStudioModel({ id, isLoaded, facts = {} }: Listed) {
  const { architecture, quantization, trainContextTokens, contextTokens } = facts;
  return {
    id,
    object: "model" as const,
    type: typeOf(facts.capabilities),
    arch: architecture,
    compatibility_type: "gguf",
    quantization,
    state: isLoaded ? "loaded" : "not-loaded",
    max_context_length: trainContextTokens,
    ...(isLoaded && { loaded_context_length: contextTokens }),
    ...(facts.capabilities?.includes("chat") === true && { capabilities: ["tool_use"] }),
  };
}

/** Undefined while nobody has looked at the weights. */
function typeOf(
  capabilities: readonly string[] | undefined,
): "llm" | "vlm" | "embeddings" | undefined {
  if (capabilities === undefined) return undefined;
  // It has no word for a model that reranks, which is as little of a conversation.
  if (["embeddings", "rerank"].some((one) => capabilities.includes(one))) return "embeddings";
  return capabilities.includes("vision") ? "vlm" : "llm";
}
