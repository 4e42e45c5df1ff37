/** What a client wants generated and the loaded model in, the engine's request out. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { resolveLength } from "./length.ts";
import { requireHearing, requireInfill, requireVision } from "./model.ts";
import type { ResolveContext } from "./resolve.ts";
import { resolveReasoning, withLead } from "./reasoning.ts";
import { resolveSampling } from "./sampling.ts";
import { resolveTools } from "./tools.ts";
import { requireValidTokens } from "./tokens.ts";

export function resolveGeneration(
  { length, sampling, reasoningTokens, images = [], sounds = [], ...ask }: GenerateAsk,
  { config, facts, served, seeing, hearing, tenant }: ResolveContext,
): GenerateRequest {
  requireVision(images, facts, served, seeing);
  requireHearing(sounds, facts, served, hearing);
  for (const prompt of ask.prompts) {
    if (prompt.kind === "tokens") requireValidTokens(prompt.tokens, facts);
    if (prompt.kind === "text" && prompt.suffix !== undefined) requireInfill(facts);
  }
  const defaults = {
    configured: config.sampling,
    fromFile: facts.sampling,
    vocabularyTokens: facts.vocabularyTokens,
  };
  const asked = { ...ask, ...resolveTools(ask, facts) };
  return {
    ...asked,
    prompts: asked.prompts.map((prompt) => withLead(prompt, facts)),
    ...resolveReasoning({ ...asked, reasoningTokens }, facts),
    ...resolveLength(length, defaults),
    sampling: resolveSampling(sampling, defaults),
    tenant,
    ...(served.adapter !== undefined && { adapter: served.adapter }),
  };
}
