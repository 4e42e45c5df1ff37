/** What a client wants read and the loaded model in, the engine's request out. */
import type { TokenizeAsk, TokenizeRequest } from "@localmodel/inference/tokenize.ts";
import type { ResolveContext } from "./resolve.ts";
import { requireValidTokens } from "./tokens.ts";
import { resolveTools } from "./tools.ts";

/** A conversation with tools is read as it would be answered. */
export function resolveTokenizing(
  { prompt, toolUse, ...ask }: TokenizeAsk,
  { facts }: ResolveContext,
): TokenizeRequest {
  if (prompt.kind === "tokens") requireValidTokens(prompt.tokens, facts);
  const { prompts = [] } = resolveTools(
    { prompts: [prompt], ...(toolUse !== undefined && { toolUse }) },
    facts,
  );
  return { ...ask, prompt: prompts[0] ?? prompt };
}
