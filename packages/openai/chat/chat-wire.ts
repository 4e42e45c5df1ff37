/** POST /v1/chat/completions: from its body to what it asks for, and from the engine's events to its answers. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import { type Choice, choicesOf } from "@localmodel/inference/choices.ts";
import type { GenerateEvent, Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { streaming } from "../answers/streaming.ts";
import { CHAT_COMPLETIONS } from "../endpoints.ts";
import { constraintOf } from "../parsing/answer-format.ts";
import { askedSampling } from "../parsing/asked-sampling.ts";
import { type ChatChunks, chatChunks, chatCompletion } from "./chat-answer.ts";
import { type ChatRequest, parseChatRequest } from "./chat-request.ts";
import type { ChatMessage } from "./messages.ts";

export const chatWire: Wire<"generate"> = { endpoint: CHAT_COMPLETIONS, understand };

function understand(body: unknown): Understood<"generate"> {
  const { request, ignored } = parseChatRequest(body);
  const ask = askOf(request);
  return {
    model: request.model,
    ask,
    ignored,
    idPrefix: "chatcmpl-",
    answer: (head, events) => {
      const { choices, usage } = choicesOf(events);
      const answers = choices.map((choice) => answerOf(choice, request.logprobs === true));
      return chatCompletion(head, answers, usage);
    },
    ...streaming(request, ask, (head, includesUsage) =>
      chunksOf(chatChunks(head, includesUsage), includesUsage),
    ),
  };
}

function askOf(request: ChatRequest): GenerateAsk {
  return {
    prompts: [promptOf(request)],
    choicesPerPrompt: request.n ?? 1,
    length: {
      most: request.max_completion_tokens ?? request.max_tokens,
      least: request.min_tokens,
    },
    sampling: askedSampling(request),
    stop: request.stop ?? [],
    ...(request.logprobs === true && { topLogprobs: request.top_logprobs ?? 0 }),
    echo: false,
    ignoreEos: request.ignore_eos ?? false,
    ...constraintOf(request),
  };
}

function promptOf({ messages, chat_template_kwargs }: ChatRequest): Prompt {
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

function answerOf({ text, reason, generated }: Choice, wantsLogprobs: boolean) {
  return { text, reason, ...(wantsLogprobs && { logprobs: generated }) };
}

function chunksOf(chunks: ChatChunks, includesUsage: boolean) {
  return (event: GenerateEvent): object | undefined => {
    switch (event.type) {
      case "started":
        return chunks.role(event.choice);
      case "delta":
        return chunks.content(event.choice, event.text, event.logprobs);
      case "finish":
        return chunks.finish(event.choice, event.reason);
      case "done":
        return includesUsage ? chunks.usage(event.usage) : undefined;
      // Chats are never echoed.
      case "accepted":
      case "echo":
      case "prefilled":
        return undefined;
    }
  };
}
