/** Measures one request to the engine by its events: how long it took and waited, its tokens, and what it occupies. */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import type { AnyEvent, AnyRequest } from "@localmodel/inference/operation.ts";
import { CLIENT_CLOSED } from "@localmodel/service/http/server-span.ts";
import type { GenAiConventions } from "../tracing/gen-ai.ts";
import type { Asked, Ending, Watch, Watcher } from "../watcher.ts";
import { type Measured, measured, type ServerMetrics } from "./server-metrics.ts";

export function measuring(metrics: ServerMetrics, genAi: GenAiConventions): Watch {
  return (asked) => new MeasuredRequest(metrics, asked, measured(asked, genAi));
}

class MeasuredRequest implements Watcher {
  readonly reports = {};
  readonly #metrics: ServerMetrics;
  readonly #measured: Measured;
  readonly #promptsCount: number;
  /** Of a generation; nothing else holds slots. */
  readonly #choicesCount: number;
  readonly #startMs = performance.now();
  /** Of each choice that holds a slot, the tokens of its context. */
  readonly #running = new Map<number, number>();
  #waiting = 0;
  #acceptedMs = 0;
  #promptTokens = 0;
  #firstMs: number | undefined;
  #usage: Usage | undefined;

  constructor(metrics: ServerMetrics, asked: Asked, about: Measured) {
    this.#metrics = metrics;
    this.#measured = about;
    const { prompts, choices } = countsOf(asked);
    this.#promptsCount = prompts;
    this.#choicesCount = choices;
  }

  event(event: AnyEvent): void {
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
      default:
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

function countsOf({ operation, request }: AnyRequest): { prompts: number; choices: number } {
  if (operation !== "generate") return { prompts: 1, choices: 0 };
  const prompts = request.prompts.length;
  return { prompts, choices: prompts * request.choicesPerPrompt };
}
