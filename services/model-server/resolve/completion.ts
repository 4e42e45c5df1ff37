/** A parsed completion request and the loaded model in, the engine's request out. */
import { type CompletionRequest, samplesPerPrompt } from "@localmodel/openai/completion-request.ts";
import type { TextInput } from "@localmodel/openai/text-input.ts";
import type { GenerateRequest, Prompt } from "@localmodel/inference/generate.ts";
import { type ResolveContext, samplingDefaults } from "./chat.ts";
import { resolveLength } from "./length.ts";
import { requireInfill } from "./model.ts";
import { resolveSampling } from "./sampling.ts";
import { requireValidTokens } from "./tokens.ts";

/** OpenAI's, for this endpoint only: chats go on until they are done. */
const DEFAULT_MAX_TOKENS = 16;

export function resolveCompletion(
  request: CompletionRequest,
  context: ResolveContext,
): GenerateRequest {
  const suffix = request.suffix ?? "";
  if (suffix !== "") requireInfill(context.facts);
  requireValidTokens(request.prompt, context.facts);

  const defaults = samplingDefaults(context);
  const most = request.max_tokens;
  return {
    prompts: request.prompt.map((input) => promptOf(input, suffix)),
    choicesPerPrompt: samplesPerPrompt(request),
    ...resolveLength({ most, least: request.min_tokens }, defaults, DEFAULT_MAX_TOKENS),
    sampling: resolveSampling(request, defaults),
    stop: request.stop ?? [],
    ...topLogprobs(request),
    echo: request.echo ?? false,
    ignoreEos: request.ignore_eos ?? false,
    tenant: context.tenant,
  };
}

function promptOf(input: TextInput, suffix: string): Prompt {
  if (typeof input !== "string") return { kind: "tokens", tokens: input };
  return { kind: "text", text: input, ...(suffix !== "" && { suffix }) };
}

/** Picking the best samples needs the log probabilities, also when the client does not want them. */
function topLogprobs(request: CompletionRequest): { topLogprobs?: number } {
  if (request.logprobs !== undefined) return { topLogprobs: request.logprobs };
  return choosesBest(request) ? { topLogprobs: 0 } : {};
}

export function choosesBest(request: CompletionRequest): boolean {
  return samplesPerPrompt(request) > (request.n ?? 1);
}
