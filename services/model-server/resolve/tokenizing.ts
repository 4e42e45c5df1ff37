/** What a client wants read and the loaded model in, the engine's request out. */
import type { TokenizeAsk, TokenizeRequest } from "@localmodel/inference/tokenize.ts";
import { requireHearing, requireVision } from "./model.ts";
import { withLead } from "./reasoning.ts";
import type { ResolveContext } from "./resolve.ts";
import { requireValidTokens } from "./tokens.ts";
import { resolveTools } from "./tools.ts";

/** A conversation with tools is read as it would be answered. */
export function resolveTokenizing(
  { prompts, images = [], sounds = [], toolUse, ...ask }: TokenizeAsk,
  { facts, served, seeing, hearing }: ResolveContext,
): TokenizeRequest {
  requireVision(images, facts, served, seeing);
  requireHearing(sounds, facts, served, hearing);
  const [prompt] = prompts;
  if (prompt.kind === "tokens") requireValidTokens(prompt.tokens, facts);
  for (const part of ask.following ?? []) {
    if (typeof part !== "string") requireValidTokens(part, facts);
  }
  const { prompts: [ready = prompt] = [] } = resolveTools(
    { prompts, ...(toolUse !== undefined && { toolUse }) },
    facts,
  );
  return { ...ask, prompts: [withLead(ready, facts)] };
}
