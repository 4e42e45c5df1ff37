/** POST /v1/completions: bare text, token ids and many prompts at once. */
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
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import type { Choice } from "../reading/outcome.ts";
import { choosesBest, resolveCompletion } from "../resolve/completion.ts";
import type { Serving } from "../serving.ts";
import { generationRoute } from "./generation.ts";

export function completions(serving: Serving): RequestHandler {
  return generationRoute(serving, {
    capability: "completions",
    operation: "text_completion",
    idPrefix: "cmpl-",
    parse: parseCompletionRequest,
    resolve: resolveCompletion,
    toChunk: (head, includeUsage) => toChunk(completionChunks(head, includeUsage), includeUsage),
    answer: (head, { choices, usage }, request) =>
      textCompletion(head, answersOf(choices, request), usage),
  });
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
      case "prefilled":
        break;
    }
    return undefined;
  };
}
