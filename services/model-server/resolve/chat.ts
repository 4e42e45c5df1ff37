/** A parsed chat request and the loaded model in, the engine's request out. */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { ChatRequest } from "@localmodel/openai/chat-request.ts";
import type { ChatMessage } from "@localmodel/openai/messages.ts";
import type { GenerateRequest, Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import { resolveLength } from "./length.ts";
import { resolveSampling } from "./sampling.ts";

export type ResolveContext = {
  readonly config: ServerConfig;
  readonly facts: ModelFacts;
  readonly tenant: string;
};

export function resolveChat(request: ChatRequest, context: ResolveContext): GenerateRequest {
  const defaults = samplingDefaults(context);
  const most = request.max_completion_tokens ?? request.max_tokens;
  return {
    prompts: [chatPrompt(request)],
    choicesPerPrompt: request.n ?? 1,
    ...resolveLength({ most, least: request.min_tokens }, defaults),
    sampling: resolveSampling(request, defaults),
    stop: request.stop ?? [],
    ...(request.logprobs === true && { topLogprobs: request.top_logprobs ?? 0 }),
    echo: false,
    ignoreEos: request.ignore_eos ?? false,
    tenant: context.tenant,
  };
}

export function samplingDefaults({ config, facts }: ResolveContext) {
  return {
    configured: config.sampling,
    fromFile: facts.sampling,
    vocabularyTokens: facts.vocabularyTokens,
  };
}

function chatPrompt({ messages, chat_template_kwargs }: ChatRequest): Prompt {
  return {
    kind: "chat",
    messages: messages.map(templateMessage),
    ...(chat_template_kwargs !== undefined && { templateVariables: chat_template_kwargs }),
  };
}

/** Templates of open models know neither OpenAI's newer name for `system` nor its older one for `tool`. */
const TEMPLATE_ROLES: Readonly<Partial<Record<ChatMessage["role"], string>>> = {
  developer: "system",
  function: "tool",
};

function templateMessage(message: ChatMessage): TemplateMessage {
  return { ...message, role: TEMPLATE_ROLES[message.role] ?? message.role };
}
