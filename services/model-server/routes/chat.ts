/** POST /v1/chat/completions */
import { type ChatChunks, chatChunks, chatCompletion } from "@localmodel/openai/chat-answer.ts";
import { parseChatRequest } from "@localmodel/openai/chat-request.ts";
import type { RequestHandler } from "express";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import type { Choice } from "../reading/outcome.ts";
import { resolveChat } from "../resolve/chat.ts";
import type { Serving } from "../serving.ts";
import { generationRoute } from "./generation.ts";

export function chatCompletions(serving: Serving): RequestHandler {
  return generationRoute(serving, {
    capability: "chat",
    operation: "chat",
    idPrefix: "chatcmpl-",
    parse: parseChatRequest,
    resolve: resolveChat,
    toChunk: (head, includeUsage) => toChunk(chatChunks(head, includeUsage), includeUsage),
    answer: (head, { choices, usage }, { logprobs }) => {
      const answers = choices.map((choice) => answerOf(choice, logprobs === true));
      return chatCompletion(head, answers, usage);
    },
  });
}

function answerOf({ text, reason, generated }: Choice, wantsLogprobs: boolean) {
  return { text, reason, ...(wantsLogprobs && { logprobs: generated }) };
}

function toChunk(chunks: ChatChunks, includeUsage: boolean) {
  return (event: GenerateEvent): object | undefined => {
    switch (event.type) {
      case "started":
        return chunks.role(event.choice);
      case "delta":
        return chunks.content(event.choice, event.text, event.logprobs);
      case "finish":
        return chunks.finish(event.choice, event.reason);
      case "done":
        return includeUsage ? chunks.usage(event.usage) : undefined;
      // Chats are never echoed.
      case "accepted":
      case "echo":
      case "prefilled":
        break;
    }
    return undefined;
  };
}
