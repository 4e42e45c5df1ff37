/** POST /v1/completions: bare text, token ids and many prompts at once. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import { type Choice, choicesOf } from "@localmodel/inference/choices.ts";
import type { GenerateEvent, Prompt } from "@localmodel/inference/generate.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { streaming } from "../answers/streaming.ts";
import { COMPLETIONS } from "../endpoints.ts";
import { constraintOf } from "../parsing/answer-format.ts";
import { askedSampling } from "../parsing/asked-sampling.ts";
import type { TextInput } from "../parsing/text-input.ts";
import { bestOf, meanLogprob } from "./best-of.ts";
import {
  type CompletionChoice,
  type CompletionChunks,
  completionChunks,
  textCompletion,
} from "./completion-answer.ts";
import {
  type CompletionRequest,
  parseCompletionRequest,
  samplesPerPrompt,
} from "./completion-request.ts";

/** OpenAI's, for this endpoint only: chats go on until they are done. */
const DEFAULT_MAX_TOKENS = 16;

export const completionWire: Wire<"generate"> = { endpoint: COMPLETIONS, understand };

function understand(body: unknown): Understood<"generate"> {
  const { request, ignored } = parseCompletionRequest(body);
  const ask = askOf(request);
  return {
    model: request.model,
    ask,
    ignored,
    idPrefix: "cmpl-",
    answer: (head, events) => {
      const { choices, usage } = choicesOf(events);
      return textCompletion(head, answersOf(choices, request), usage);
    },
    ...streaming(request, ask, (head, includesUsage) =>
      chunksOf(completionChunks(head, includesUsage), includesUsage),
    ),
  };
}

function askOf(request: CompletionRequest): GenerateAsk {
  const suffix = request.suffix ?? "";
  return {
    prompts: request.prompt.map((input) => promptOf(input, suffix)),
    choicesPerPrompt: samplesPerPrompt(request),
    length: {
      most: request.max_tokens,
      least: request.min_tokens,
      otherwise: DEFAULT_MAX_TOKENS,
    },
    sampling: askedSampling(request),
    stop: request.stop ?? [],
    ...topLogprobs(request),
    echo: request.echo ?? false,
    ignoreEos: request.ignore_eos ?? false,
    ...(request.cache_prompt === false && { usesPromptCache: false }),
    ...constraintOf(request),
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

function choosesBest(request: CompletionRequest): boolean {
  return samplesPerPrompt(request) > (request.n ?? 1);
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

function chunksOf(chunks: CompletionChunks, includesUsage: boolean) {
  return (event: GenerateEvent): object | undefined => {
    switch (event.type) {
      case "echo":
      case "delta":
        return chunks.text(event.choice, event.text, event.logprobs);
      case "finish":
        return chunks.finish(event.choice, event.reason);
      case "done":
        return includesUsage ? chunks.usage(event.usage) : undefined;
      case "accepted":
      case "started":
      case "prefilled":
      // Completions have no tools.
      case "tool_call":
      case "tool_arguments":
        return undefined;
    }
  };
}
