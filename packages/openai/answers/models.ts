/**
 * GET /v1/models and GET /v1/models/{id}.
 *
 * Beyond OpenAI's four keys, what clients of local servers look for: how long a prompt may be, what the
 * model can do, and llama-server's `meta`. Those come with the weights; what is not known is left out.
 * Adapters name their model as vLLM has it, in `parent`.
 */

type ListedModel = {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Of an adapter. */
  readonly parent?: string;
  readonly createdSeconds: number;
  readonly facts?: {
    readonly contextTokens?: number;
    readonly trainContextTokens?: number;
    readonly vocabularyTokens?: number;
    readonly embeddingDimensions?: number;
    readonly parameters?: number;
    readonly sizeBytes?: number;
    readonly architecture?: string;
    readonly quantization?: string;
    readonly capabilities?: readonly string[];
    readonly devices?: readonly { readonly name: string; readonly memoryBytes: number }[];
    readonly offloaded?: { readonly layers: number; readonly ofLayers: number };
    /** Why it does not chat. */
    readonly chatProblem?: string;
  };
};

export function modelObject({ id, aliases, parent, createdSeconds, facts }: ListedModel) {
  return {
    id,
    object: "model" as const,
    created: createdSeconds,
    owned_by: "localmodel",
    aliases: [...aliases],
    ...(parent !== undefined && { parent }),
    ...(facts !== undefined && {
      max_model_len: facts.contextTokens,
      capabilities: facts.capabilities && [...facts.capabilities],
      ...(facts.chatProblem !== undefined && { chat_problem: facts.chatProblem }),
      meta: {
        architecture: facts.architecture,
        quantization: facts.quantization,
        n_vocab: facts.vocabularyTokens,
        n_ctx_train: facts.trainContextTokens,
        n_embd: facts.embeddingDimensions,
        n_params: facts.parameters,
        size: facts.sizeBytes,
        ...acceleratorMeta(facts),
      },
    }),
  };
}

/** Only where there are devices: what runs on the CPU says nothing of it. */
function acceleratorMeta({ devices, offloaded }: NonNullable<ListedModel["facts"]>) {
  if (devices === undefined) return {};
  return {
    devices: devices.map(({ name, memoryBytes }) => ({ name, memory: memoryBytes })),
    ...(offloaded && { n_gpu_layers: offloaded.layers, n_layer: offloaded.ofLayers }),
  };
}

/** Whether `id` is one of the names this model goes by. */
export function answersTo(model: Pick<ListedModel, "id" | "aliases">, id: string): boolean {
  return model.id === id || model.aliases.includes(id);
}
