/**
 * The answer of POST /v1/embeddings.
 *
 * The official clients ask for base64 unless their user says otherwise, so that is the common case.
 */

type EmbeddingAnswer = {
  readonly model: string;
  readonly vectors: readonly Float32Array[];
  readonly promptTokens: number;
  readonly encoding: "float" | "base64";
};

export function embeddingResponse({ model, vectors, promptTokens, encoding }: EmbeddingAnswer) {
  return {
    object: "list" as const,
    data: vectors.map((vector, index) => ({
      object: "embedding" as const,
      index,
      embedding: encoding === "base64" ? base64(vector) : Array.from(vector),
    })),
    model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

/** The first `dimensions` values, scaled to length one again (Matryoshka embeddings). */
export function shortened(vector: Float32Array, dimensions: number): Float32Array {
  if (dimensions >= vector.length) return vector;
  const head = vector.slice(0, dimensions);
  const length = Math.hypot(...head);
  return length === 0 ? head : head.map((value) => value / length);
}

/** The clients read little-endian floats, which is the order of every machine Node runs LLMs on. */
function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
