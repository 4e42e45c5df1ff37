/** What a client wants ranked and the loaded model in, the engine's request out. */
import { modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { RerankAsk, RerankRequest } from "@localmodel/inference/rerank.ts";
import type { ResolveContext } from "./resolve.ts";

export function resolveReranking(ask: RerankAsk, { served }: ResolveContext): RerankRequest {
  if (served.adapter === undefined) return ask;
  throw modelNotCapable(`The adapter \`${served.adapter}\` does not support reranking.`);
}
