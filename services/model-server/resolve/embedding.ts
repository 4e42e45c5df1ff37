/** What a client wants embedded and the loaded model in, the engine's request out. */
import type { EmbedAsk } from "@localmodel/inference/asks.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import { invalidRequest, modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { ResolveContext } from "./resolve.ts";
import { requireValidTokens } from "./tokens.ts";

export function resolveEmbedding(
  { inputs, dimensions }: EmbedAsk,
  { facts, served }: ResolveContext,
): EmbedRequest {
  if (served.adapter !== undefined) {
    throw modelNotCapable(`The adapter \`${served.adapter}\` does not support embeddings.`);
  }
  for (const input of inputs) if (typeof input !== "string") requireValidTokens(input, facts);
  requireDimensions(dimensions, facts.embeddingDimensions);
  return { inputs };
}

function requireDimensions(requested: number | undefined, available: number): void {
  if (requested === undefined || requested <= available) return;
  throw invalidRequest(
    "dimensions",
    `Invalid 'dimensions': this model's embeddings have ${available} dimensions, but ${requested} were requested.`,
    "integer_above_max_value",
  );
}
