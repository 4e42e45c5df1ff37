/**
 * The span of one request to the engine, and below it the phases that the engine reports.
 *
 * The engine only tells when things happened; spans are made here, so that the process that decodes loads nothing
 * for it. Both clocks are the machine's, but may differ by milliseconds: nothing begins before the span it is in.
 */
import type { Language } from "@localmodel/inference/constraint.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import type { AnyEvent } from "@localmodel/inference/operation.ts";
import { CLIENT_CLOSED } from "@localmodel/service/http/server-span.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { Attributes, Span } from "@localmodel/telemetry/spans/span.ts";
import type { Asked, Ending, Watch, Watcher } from "../watcher.ts";
import { EnginePhases } from "./engine-phases.ts";
import type { GenAiConventions } from "./gen-ai.ts";
import { MessageContent } from "./message-content.ts";

export function tracing(genAi: GenAiConventions): Watch {
  return (asked) =>
    asked.span?.isRecording === true ? new RequestSpan(asked.span, asked, genAi) : undefined;
}

class RequestSpan implements Watcher {
  readonly reports = { reportsTimes: true };
  readonly #span: Span;
  readonly #phases: EnginePhases;
  readonly #content: MessageContent | undefined;
  readonly #generates: boolean;
  readonly #startMs = epochMs();
  readonly #reasons: string[] = [];
  #firstTokenMs: number | undefined;
  #usage: Usage | undefined;

  constructor(parent: Span, asked: Asked, genAi: GenAiConventions) {
    const { endpoint, requestModel } = asked;
    this.#generates = asked.operation === "generate";
    this.#span = parent.child(`${endpoint.telemetryName} ${requestModel}`, {
      startMs: this.#startMs,
      attributes: { ...genAi.attributesOf(asked), ...requestAttributes(asked) },
    });
    this.#phases = new EnginePhases(this.#span, this.#startMs);
    const captures = genAi.capturesContent && asked.operation === "generate";
    this.#content = captures ? new MessageContent(asked.request) : undefined;
  }

  event(event: AnyEvent): void {
    this.#content?.event(event);
    if (event.type === "delta" || event.type === "echo") return;
    this.#phases.event(event);
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
      ...(this.#usage !== undefined && this.#usageAttributes(this.#usage)),
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

  #usageAttributes(usage: Usage): Attributes {
    const { promptTokens, completionTokens, cachedTokens, reasoningTokens } = usage;
    const input = { "gen_ai.usage.input_tokens": promptTokens };
    if (!this.#generates) return input;
    return {
      ...input,
      "gen_ai.usage.output_tokens": completionTokens,
      "gen_ai.usage.cache_read.input_tokens": cachedTokens,
      ...(reasoningTokens !== undefined && {
        "gen_ai.usage.reasoning.output_tokens": reasoningTokens,
      }),
    };
  }
}

/** Also behind what a model thinks. */
function isSchema(language: Language | undefined): boolean {
  if (language?.kind === "sequence") return isSchema(language.parts.at(-1));
  return language?.kind === "schema";
}

function requestAttributes(asked: Asked): Attributes {
  if (asked.operation !== "generate") return {};
  return {
    "gen_ai.response.id": asked.head.id,
    ...generationAttributes(asked.request),
    ...(asked.stream && { "gen_ai.request.stream": true }),
  };
}

function generationAttributes(request: GenerateRequest): Attributes {
  const { sampling, maxTokens, prompts, choicesPerPrompt, constraint } = request;
  const choices = prompts.length * choicesPerPrompt;
  return {
    "gen_ai.request.temperature": sampling.temperature,
    "gen_ai.request.top_p": sampling.topP,
    "gen_ai.request.max_tokens": maxTokens,
    "gen_ai.request.seed": sampling.seed,
    ...(isSchema(constraint?.grammar?.language) && { "gen_ai.output.type": "json" }),
    ...(constraint?.grammar !== undefined && { "localmodel.request.constrained": true }),
    ...(sampling.topK !== 0 && { "gen_ai.request.top_k": sampling.topK }),
    ...(sampling.presencePenalty !== 0 && {
      "gen_ai.request.presence_penalty": sampling.presencePenalty,
    }),
    ...(sampling.frequencyPenalty !== 0 && {
      "gen_ai.request.frequency_penalty": sampling.frequencyPenalty,
    }),
    ...(choices !== 1 && { "gen_ai.request.choice.count": choices }),
  };
}
