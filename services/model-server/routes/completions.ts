/**
 * POST /v1/completions: the same path as chats, for bare text, token ids and many prompts at once.
 */
import { type AnswerHead, newId } from "@localmodel/openai/answer.ts";
import { bestOf, meanLogprob } from "@localmodel/openai/best-of.ts";
import {
  type CompletionChoice,
  type CompletionChunks,
  completionChunks,
  textCompletion,
} from "@localmodel/openai/completion-answer.ts";
import {
  type CompletionRequest,
  parseCompletionRequest,
  samplesPerPrompt,
} from "@localmodel/openai/completion-request.ts";
import type { RequestHandler } from "express";
import { reportIgnored, sendJson } from "../api-headers.ts";
import { loadedModel } from "../availability.ts";
import type { GenerateEvent } from "../engine.ts";
import { type Choice, gather } from "../outcome.ts";
import { patienceSeconds } from "../patience.ts";
import { choosesBest, resolveCompletion } from "../resolve-completion.ts";
import { requireCapability, requireModel } from "../resolve-model.ts";
import { withRunningUsage } from "../running-usage.ts";
import { type Serving, TENANT_HEADER } from "../serving.ts";
import { streamEvents } from "../stream-events.ts";
import { whileConnected } from "../while-connected.ts";

export function completions(serving: Serving): RequestHandler {
  const { admission, config, engine, log } = serving;
  return whileConnected(log, async (req, res, gone) => {
    const { request, ignored } = parseCompletionRequest(req.body);
    reportIgnored(res, ignored);
    requireModel(request.model, config);
    const facts = loadedModel(engine.state);
    requireCapability("completions", facts, config.modelId);
    const tenant = req.get(TENANT_HEADER) ?? "";
    const generation = resolveCompletion(request, { config, facts, tenant });

    using _place = admission.admit(patienceSeconds(req, request));
    const events = engine.generate(generation, gone);
    const head = answerHead(config.modelId, facts.fingerprint);
    if (request.stream === true) {
      const { include_usage = false, continuous_usage_stats = false } =
        request.stream_options ?? {};
      const chunk = toChunk(completionChunks(head, include_usage), include_usage);
      const running = include_usage && continuous_usage_stats;
      await streamEvents(res, events, {
        ...serving,
        toChunk: running ? withRunningUsage(chunk, generation) : chunk,
      });
    } else {
      const { choices, usage } = await gather(events);
      sendJson(res, textCompletion(head, answersOf(choices, request), usage));
    }
  });
}

function answerHead(model: string, fingerprint: string): AnswerHead {
  const created = Math.floor(Date.now() / 1000);
  return { id: newId("cmpl-"), created, model, fingerprint };
}

function answersOf(
  choices: readonly Choice[],
  request: CompletionRequest,
): readonly CompletionChoice[] {
  const wantsLogprobs = request.logprobs !== undefined;
  const samples = choices.map((choice) => ({
    choice: answerOf(choice, wantsLogprobs),
    meanLogprob: meanLogprob(choice.generated),
  }));
  if (!choosesBest(request)) return samples.map(({ choice }) => choice);
  return bestOf(samples, samplesPerPrompt(request), request.n ?? 1);
}

function answerOf({ text, reason, echoed, generated }: Choice, wantsLogprobs: boolean) {
  return { text, reason, ...(wantsLogprobs && { logprobs: [...echoed, ...generated] }) };
}

function toChunk(chunks: CompletionChunks, includeUsage: boolean) {
  return (event: GenerateEvent): object | undefined => {
    switch (event.type) {
      case "echo":
      case "delta":
        return chunks.text(event.choice, event.text, event.logprobs);
      case "finish":
        return chunks.finish(event.choice, event.reason);
      case "done":
        return includeUsage ? chunks.usage(event.usage) : undefined;
      case "accepted":
      case "started":
        break;
    }
    return undefined;
  };
}
