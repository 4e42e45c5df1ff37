/** Measures one generation by its events. */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import { CLIENT_CLOSED } from "@localmodel/service/server-span.ts";
import type { Span } from "@localmodel/telemetry/span.ts";
import type { Ending, GenerationObserver } from "../observed-generation.ts";
import {
  type AboutRequest,
  type Measured,
  measured,
  type ServerMetrics,
} from "./server-metrics.ts";

export class MeasuredGeneration implements GenerationObserver {
  readonly asks = {};
  readonly #metrics: ServerMetrics;
  readonly #measured: Measured;
  readonly #promptsCount: number;
  readonly #choicesCount: number;
  readonly #startMs = performance.now();
  /** Of each choice that holds a slot, the tokens of its context. */
  readonly #running = new Map<number, number>();
  #waiting = 0;
  #acceptedMs = 0;
  #promptTokens = 0;
  #firstMs: number | undefined;
  #usage: Usage | undefined;

  constructor(
    metrics: ServerMetrics,
    { prompts, choicesPerPrompt }: GenerateRequest,
    about: AboutRequest & { readonly span: Span | undefined },
  ) {
    this.#metrics = metrics;
    this.#measured = measured(about, about.span);
    this.#promptsCount = prompts.length;
    this.#choicesCount = prompts.length * choicesPerPrompt;
  }

  hear(event: GenerateEvent): void {
    switch (event.type) {
      case "accepted":
        this.#acceptedMs = performance.now();
        this.#promptTokens = Math.round(event.promptTokens / this.#promptsCount);
        this.#wait(this.#choicesCount);
        break;
      case "started":
        this.#wait(-1);
        this.#hold(event.choice, this.#promptTokens);
        this.#metrics.waited((performance.now() - this.#acceptedMs) / 1000, this.#measured);
        break;
      case "delta":
        this.#firstToken();
        this.#hold(event.choice, this.#promptTokens + (event.completionTokens ?? 0));
        break;
      case "finish":
        this.#release(event.choice);
        break;
      case "done":
        this.#usage = event.usage;
        break;
      case "echo":
      case "prefilled":
        break;
    }
  }

  end({ hungUp, thrown }: Ending): void {
    this.#wait(-this.#waiting);
    for (const choice of this.#running.keys()) this.#release(choice);
    const endMs = performance.now();
    const usage = this.#usage;
    if (usage === undefined) {
      const errorType = hungUp || thrown === undefined ? CLIENT_CLOSED : codeOf(thrown);
      return this.#metrics.ended((endMs - this.#startMs) / 1000, this.#measured, errorType);
    }
    this.#metrics.ended((endMs - this.#startMs) / 1000, this.#measured);
    this.#metrics.used(usage, this.#measured);
    // The first token of each choice belongs to its prompt.
    const following = usage.completionTokens - this.#choicesCount;
    if (this.#firstMs === undefined || following <= 0) return;
    const perChoice = following / this.#choicesCount;
    this.#metrics.perToken((endMs - this.#firstMs) / 1000 / perChoice, this.#measured);
  }

  #firstToken(): void {
    if (this.#firstMs !== undefined) return;
    this.#firstMs = performance.now();
    this.#metrics.firstToken((this.#firstMs - this.#startMs) / 1000, this.#measured);
  }

  #wait(choices: number): void {
    this.#waiting += choices;
    this.#metrics.occupancy.waiting += choices;
  }

  #hold(choice: number, tokens: number): void {
    const { occupancy } = this.#metrics;
    const before = this.#running.get(choice);
    if (before === undefined) occupancy.running += 1;
    occupancy.tokens += tokens - (before ?? 0);
    this.#running.set(choice, tokens);
  }

  #release(choice: number): void {
    const tokens = this.#running.get(choice);
    if (tokens === undefined) return;
    const { occupancy } = this.#metrics;
    occupancy.running -= 1;
    occupancy.tokens -= tokens;
    this.#running.delete(choice);
  }
}
