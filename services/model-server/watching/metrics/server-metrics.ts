/**
 * What a model server counts: the conventions' metrics for generative AI, and what is particular to this engine.
 *
 * There is one model here, and its names are the only ones that become labels.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Labels, MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";
import { WAIT_SECONDS } from "@localmodel/telemetry/metrics/wait-seconds.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import type { GenAiConventions } from "../tracing/gen-ai.ts";
import type { Asked } from "../watcher.ts";
import { Occupancy } from "./occupancy.ts";

const REQUEST_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
  327.68, 655.36,
];
const FIRST_TOKEN_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];
const PER_TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** What every measurement of a request says about it. */
export type Measured = { readonly labels: Labels; readonly span: Span | undefined };

export class ServerMetrics {
  readonly occupancy = new Occupancy();
  readonly #registry: MetricRegistry;
  readonly #model: Labels;
  readonly #durations;
  readonly #firstTokens;
  readonly #perToken;
  readonly #usage;
  readonly #waits;
  readonly #prompt;
  readonly #cached;
  readonly #drafted;
  readonly #accepted;
  readonly #rejects;

  constructor(registry: MetricRegistry, { modelId }: Pick<ServerConfig, "modelId">) {
    this.#registry = registry;
    this.#model = { "localmodel.model": modelId };
    const seconds = (name: string, help: string, bounds: readonly number[]) =>
      registry.histogram(name, help, bounds, { unit: "s" });
    this.#durations = seconds(
      "gen_ai.server.request.duration",
      "Generative AI server request duration, such as time to last byte.",
      REQUEST_SECONDS,
    );
    this.#firstTokens = seconds(
      "gen_ai.server.time_to_first_token",
      "Time to generate the first token of successful responses.",
      FIRST_TOKEN_SECONDS,
    );
    this.#perToken = seconds(
      "gen_ai.server.time_per_output_token",
      "Time per output token after the first one.",
      PER_TOKEN_SECONDS,
    );
    this.#usage = registry.histogram(
      "gen_ai.client.token.usage",
      "Number of input and output tokens used by a request.",
      TOKENS,
      { unit: "{token}" },
    );
    this.#waits = seconds(
      "localmodel.queue.wait",
      "Time that choices waited for a slot of the engine.",
      WAIT_SECONDS,
    );
    const counter = (name: string, help: string) => {
      const made = registry.counter(name, help);
      made.add(this.#model, 0);
      return made;
    };
    this.#prompt = counter("localmodel.prompt.tokens", "Tokens of prompts.");
    this.#cached = counter(
      "localmodel.prompt.cached_tokens",
      "Tokens of prompts that were in a slot's cache already.",
    );
    this.#drafted = counter(
      "localmodel.completion.drafted_tokens",
      "Tokens that were guessed, and evaluated before they were chosen.",
    );
    this.#accepted = counter(
      "localmodel.completion.accepted_tokens",
      "Tokens of answers that had been guessed right.",
    );
    this.#rejects = registry.counter(
      "localmodel.rejects",
      "Requests that were answered with an error, by its code.",
    );
  }

  /** For gauges and counters of the model as a whole. */
  get model(): Labels {
    return this.#model;
  }

  get registry(): MetricRegistry {
    return this.#registry;
  }

  waited(seconds: number, { span }: Measured): void {
    this.#waits.observe(this.#model, seconds, span);
  }

  firstToken(seconds: number, { labels, span }: Measured): void {
    this.#firstTokens.observe(labels, seconds, span);
  }

  perToken(seconds: number, { labels, span }: Measured): void {
    this.#perToken.observe(labels, seconds, span);
  }

  used(usage: Usage, { labels, span }: Measured): void {
    const { promptTokens, completionTokens, cachedTokens } = usage;
    this.#usage.observe({ ...labels, "gen_ai.token.type": "input" }, promptTokens, span);
    this.#usage.observe({ ...labels, "gen_ai.token.type": "output" }, completionTokens, span);
    this.#prompt.add(this.#model, promptTokens);
    this.#cached.add(this.#model, cachedTokens);
    this.#drafted.add(this.#model, usage.draftedTokens ?? 0);
    this.#accepted.add(this.#model, usage.acceptedTokens ?? 0);
  }

  ended(seconds: number, { labels, span }: Measured, errorType?: string): void {
    const full = errorType === undefined ? labels : { ...labels, "error.type": errorType };
    this.#durations.observe(full, seconds, span);
  }

  rejected(reason: string): void {
    this.#rejects.add({ reason });
  }
}

export function measured(asked: Asked, genAi: GenAiConventions): Measured {
  return { labels: genAi.attributesOf(asked), span: asked.span };
}
