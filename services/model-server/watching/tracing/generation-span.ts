/**
 * The span of one generation, and below it the phases that the engine reports.
 *
 * The engine only tells when things happened; spans are made here, so that the process that decodes loads nothing
 * for it. Both clocks are the machine's, but may differ by milliseconds: nothing begins before the span it is in.
 */
import type { AnswerHead } from "@localmodel/openai/answer.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import { CLIENT_CLOSED } from "@localmodel/service/server-span.ts";
import { epochMs } from "@localmodel/telemetry/epoch.ts";
import type { Attributes, Span } from "@localmodel/telemetry/span.ts";
import type { Ending, GenerationObserver } from "../observed-generation.ts";
import { EnginePhases } from "./engine-phases.ts";
import type { GenAiNames } from "./gen-ai.ts";
import { MessageContent } from "./message-content.ts";

export type AboutGeneration = GenAiNames & {
  readonly operation: "chat" | "text_completion";
  readonly requestModel: string;
  readonly head: AnswerHead;
  readonly stream: boolean;
};

export function generationSpan(
  parent: Span | undefined,
  request: GenerateRequest,
  about: AboutGeneration,
): GenerationObserver | undefined {
  return parent?.isRecording === true ? new GenerationSpan(parent, request, about) : undefined;
}

class GenerationSpan implements GenerationObserver {
  readonly asks = { reportsTimes: true };
  readonly #span: Span;
  readonly #phases: EnginePhases;
  readonly #content: MessageContent | undefined;
  readonly #startMs = epochMs();
  readonly #reasons: string[] = [];
  #firstTokenMs: number | undefined;
  #usage: Usage | undefined;

  constructor(parent: Span, request: GenerateRequest, about: AboutGeneration) {
    this.#span = parent.child(`${about.operation} ${about.requestModel}`, {
      startMs: this.#startMs,
      attributes: requestAttributes(request, about),
    });
    this.#phases = new EnginePhases(this.#span, this.#startMs);
    this.#content = about.capturesContent ? new MessageContent(request) : undefined;
  }

  hear(event: GenerateEvent): void {
    this.#content?.hear(event);
    if (event.type === "delta" || event.type === "echo") return;
    this.#phases.hear(event);
    if (event.type === "prefilled" && this.#firstTokenMs === undefined) {
      this.#firstTokenMs = this.#phases.clamped(event.atMs);
      this.#span.event("gen_ai.first_token", this.#firstTokenMs);
    }
    if (event.type === "finish") this.#reasons[event.choice] = event.reason;
    if (event.type === "done") this.#usage = event.usage;
  }

  end({ hungUp, thrown }: Ending): void {
    const failure = hungUp ? CLIENT_CLOSED : thrown === undefined ? undefined : codeOf(thrown);
    const isComplete = this.#usage !== undefined;
    this.#phases.end(isComplete ? undefined : (failure ?? CLIENT_CLOSED));
    const endMs = epochMs();
    this.#span.set({
      ...this.#timing(endMs),
      ...(this.#usage !== undefined && usageAttributes(this.#usage)),
      ...(this.#reasons.length > 0 && { "gen_ai.response.finish_reasons": [...this.#reasons] }),
      ...this.#content?.attributes(),
    });
    if (!isComplete) this.#span.fail(failure ?? CLIENT_CLOSED);
    this.#span.end(endMs);
  }

  /** In seconds. */
  #timing(endMs: number): Attributes {
    const firstMs = this.#firstTokenMs;
    if (firstMs === undefined) return {};
    const following = (this.#usage?.completionTokens ?? 0) - this.#reasons.length;
    return {
      "gen_ai.response.time_to_first_chunk": (firstMs - this.#startMs) / 1000,
      ...(following > 0 && {
        "localmodel.response.time_per_output_token": (endMs - firstMs) / 1000 / following,
      }),
    };
  }
}

function requestAttributes(request: GenerateRequest, about: AboutGeneration): Attributes {
  const { sampling, maxTokens, prompts, choicesPerPrompt } = request;
  const choices = prompts.length * choicesPerPrompt;
  return {
    "gen_ai.operation.name": about.operation,
    ...about.provider,
    "gen_ai.request.model": about.requestModel,
    "gen_ai.response.model": about.modelId,
    "gen_ai.response.id": about.head.id,
    "gen_ai.request.temperature": sampling.temperature,
    "gen_ai.request.top_p": sampling.topP,
    "gen_ai.request.max_tokens": maxTokens,
    "gen_ai.request.seed": sampling.seed,
    ...(sampling.topK !== 0 && { "gen_ai.request.top_k": sampling.topK }),
    ...(sampling.presencePenalty !== 0 && {
      "gen_ai.request.presence_penalty": sampling.presencePenalty,
    }),
    ...(sampling.frequencyPenalty !== 0 && {
      "gen_ai.request.frequency_penalty": sampling.frequencyPenalty,
    }),
    ...(choices !== 1 && { "gen_ai.request.choice.count": choices }),
    ...(about.stream && { "gen_ai.request.stream": true }),
  };
}

function usageAttributes({ promptTokens, completionTokens, cachedTokens }: Usage): Attributes {
  return {
    "gen_ai.usage.input_tokens": promptTokens,
    "gen_ai.usage.output_tokens": completionTokens,
    "gen_ai.usage.cache_read.input_tokens": cachedTokens,
  };
}
