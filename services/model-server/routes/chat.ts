/**
 * POST /v1/chat/completions
 *
 *   parse -> which model -> loaded? -> able? -> admit -> generate -> one answer, or chunks of it
 */
import { type AnswerHead, newId } from "@localmodel/openai/answer.ts";
import { type ChatChunks, chatChunks, chatCompletion } from "@localmodel/openai/chat-answer.ts";
import { parseChatRequest } from "@localmodel/openai/chat-request.ts";
import type { RequestHandler } from "express";
import { reportIgnored, sendJson } from "../api-headers.ts";
import { loadedModel } from "../availability.ts";
import type { GenerateEvent, GenerateRequest } from "../engine.ts";
import { type Choice, gather } from "../outcome.ts";
import { patienceSeconds } from "../patience.ts";
import { resolveChat } from "../resolve-chat.ts";
import { requireCapability, requireModel } from "../resolve-model.ts";
import { withRunningUsage } from "../running-usage.ts";
import { type Serving, TENANT_HEADER } from "../serving.ts";
import { streamEvents } from "../stream-events.ts";
import { whileConnected } from "../while-connected.ts";

export function chatCompletions(serving: Serving): RequestHandler {
  const { admission, config, engine, log } = serving;
  return whileConnected(log, async (req, res, gone) => {
    const { request, ignored } = parseChatRequest(req.body);
    reportIgnored(res, ignored);
    requireModel(request.model, config);
    const facts = loadedModel(engine.state);
    requireCapability("chat", facts, config.modelId);
    const tenant = req.get(TENANT_HEADER) ?? "";
    const generation = resolveChat(request, { config, facts, tenant });

    using _place = admission.admit(patienceSeconds(req, request));
    const events = engine.generate(generation, gone);
    const head = answerHead(config.modelId, facts.fingerprint);
    if (request.stream === true) {
      const { include_usage = false, continuous_usage_stats = false } =
        request.stream_options ?? {};
      const chunk = toChunk(chatChunks(head, include_usage), include_usage);
      const running = include_usage && continuous_usage_stats;
      await streamEvents(res, events, {
        ...serving,
        toChunk: running ? withRunningUsage(chunk, generation) : chunk,
      });
    } else {
      const { choices, usage } = await gather(events);
      const answers = choices.map((choice) => answerOf(choice, generation));
      sendJson(res, chatCompletion(head, answers, usage));
    }
  });
}

function answerHead(model: string, fingerprint: string): AnswerHead {
  const created = Math.floor(Date.now() / 1000);
  return { id: newId("chatcmpl-"), created, model, fingerprint };
}

function answerOf({ text, reason, generated }: Choice, { topLogprobs }: GenerateRequest) {
  return { text, reason, ...(topLogprobs !== undefined && { logprobs: generated }) };
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
        break;
    }
    return undefined;
  };
}
