/**
 * From what a client has asked for to what the engine is asked, now that the model is known: everything left out gets
 * its value, and what this model cannot do is refused.
 */
import type { AskOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { resolveEmbedding } from "./embedding.ts";
import { resolveGeneration } from "./generation.ts";
import { resolveReranking } from "./reranking.ts";
import { resolveTokenizing } from "./tokenizing.ts";
import type { Served } from "./model.ts";

export type ResolveContext = {
  readonly config: ServerConfig;
  readonly facts: ModelFacts;
  readonly served: Served;
  /** The name that the client used. */
  readonly requested?: string | undefined;
  readonly tenant: string;
  /** Other models, which look at images. */
  readonly seeing?: readonly string[];
  /** Other models, which hear. */
  readonly hearing?: readonly string[];
};

type Resolvers = {
  readonly [Asked in Operation]?: (ask: AskOf<Asked>, context: ResolveContext) => RequestOf<Asked>;
};

const RESOLVERS: Resolvers = {
  generate: resolveGeneration,
  embed: resolveEmbedding,
  rerank: resolveReranking,
  tokenize: resolveTokenizing,
};

/** An operation that depends on nothing of the model is asked as it came. */
export function resolve<Asked extends Operation>(
  operation: Asked,
  ask: AskOf<Asked>,
  context: ResolveContext,
): RequestOf<Asked> {
  const resolver = RESOLVERS[operation];
  return resolver === undefined ? (ask as RequestOf<Asked>) : resolver(ask, context);
}
