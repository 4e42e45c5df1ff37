/**
 * Whether a draft model can be one for these weights, as far as headers tell, before anything is fetched. Whether token by token
 * the vocabularies are the same, the engine looks when it has them. Pure.
 */
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import { shapeProblem, type VocabularyShape } from "../engine/model/draft-vocabulary.ts";

export function draftProblem(weights: GgufValues, draft: GgufValues): string | undefined {
  const problem = shapeProblem(shapeOf(weights), shapeOf(draft));
  return problem && `spec.draft cannot draft for this model: ${problem}`;
}

function shapeOf(values: GgufValues): VocabularyShape {
  const [kind, tokens] = ["tokenizer.ggml.model", "tokenizer.ggml.tokens"].map((key) =>
    values.get(key),
  );
  return {
    kind: typeof kind === "string" ? kind : "none",
    size: typeof tokens === "object" ? tokens.length : 0,
  };
}
