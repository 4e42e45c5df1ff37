/**
 * Values of a header that no model can have.
 *
 * llama.cpp takes them at their word, and a model with a context of 0 tokens dies at its first step, and after every
 * restart again. Only what is wrong for all architectures is judged here; what is left out is nobody's mistake, since
 * parts, projectors and adapters leave out most.
 */
import type { GgufValues } from "./gguf-header.ts";

const COUNT_MAX = 2 ** 31 - 1;
/** Under the architecture's name. */
const COUNTS = ["context_length", "embedding_length", "block_count", "vocab_size"] as const;

/** What is wrong, as the end of a sentence about the file; undefined if nothing is. */
export function impossibleValue(values: GgufValues): string | undefined {
  const architecture = values.get("general.architecture");
  if (typeof architecture !== "string") return undefined;
  for (const count of COUNTS) {
    const key = `${architecture}.${count}`;
    const value = values.get(key);
    if (value === undefined || isCount(value)) continue;
    return `its header says that ${key} is ${shown(value)}, and it must be a whole number from 1 to ${COUNT_MAX}`;
  }
  return tooManyExperts(values, architecture) ?? emptyVocabulary(values);
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= COUNT_MAX;
}

function tooManyExperts(values: GgufValues, architecture: string): string | undefined {
  const [all = Infinity, used = 0] = ["expert_count", "expert_used_count"]
    .map((name) => values.get(`${architecture}.${name}`))
    .map((value) => (typeof value === "number" ? value : undefined));
  if (used <= all) return undefined;
  return `its header says that ${architecture}.expert_used_count is ${used}, of ${all} experts`;
}

function emptyVocabulary(values: GgufValues): string | undefined {
  const tokens = values.get("tokenizer.ggml.tokens");
  if (typeof tokens !== "object" || tokens.length > 0) return undefined;
  return "its header has a vocabulary without a token (tokenizer.ggml.tokens)";
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
