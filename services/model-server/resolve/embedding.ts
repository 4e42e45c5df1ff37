/** What a client wants embedded and the loaded model in, the engine's request out. */
import type { EmbedAsk } from "@localmodel/inference/asks.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import { PROMPT_FIELD, promptField } from "@localmodel/inference/failure.ts";
import { invalidRequest, modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { ResolveContext } from "./resolve.ts";
import { requireValidTokens } from "./tokens.ts";

export function resolveEmbedding(
  { inputs, dimensions, truncation }: EmbedAsk,
  { facts, served, requested }: ResolveContext,
): EmbedRequest {
  if (served.adapter !== undefined) {
    throw modelNotCapable(`The adapter \`${served.adapter}\` does not support embeddings.`);
  }
  const truncates = truncation !== undefined;
  for (const [index, input] of inputs.entries()) {
    if (typeof input === "string") continue;
    requireOwnTokenizer(requested);
    const field = promptField(index, inputs.length);
    requireValidTokens(input, facts, { field, truncates });
  }
  requireDimensions(dimensions, facts.embeddingDimensions);
  return { inputs, ...(truncates && { truncation }) };
}

/** OpenAI's names for its own models, whose tokenizer no model here has. */
const ANOTHERS_NAME = /^text-embedding-(?:ada-\d+|3-\w+)$/;

/** Clients that know such a name tokenise for it by themselves, and every id they send means something else here. */
function requireOwnTokenizer(requested: string | undefined): void {
  if (requested === undefined || !ANOTHERS_NAME.test(requested)) return;
  throw invalidRequest(
    PROMPT_FIELD,
    `Invalid '${PROMPT_FIELD}': token ids for \`${requested}\` are of OpenAI's tokenizer, which the model behind this name does not have. ` +
      "Send texts: LangChain's OpenAIEmbeddings does with check_embedding_ctx_length=False. Token ids of this model's own are taken under its own name.",
    "invalid_value",
  );
}

function requireDimensions(requested: number | undefined, available: number): void {
  if (requested === undefined || requested <= available) return;
  throw invalidRequest(
    "dimensions",
    `Invalid 'dimensions': this model's embeddings have ${available} dimensions, but ${requested} were requested.`,
    "integer_above_max_value",
  );
}
