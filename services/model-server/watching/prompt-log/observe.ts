/**
 * One generation as a reader of the log sees it: what the model received, and what came of it.
 *
 * Two events, with the names LM Studio's log stream gives them: one when the prompt is known, one when the
 * answer is over, however it ended.
 */
import { TENANT_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { toFailure } from "@localmodel/inference/failure.ts";
import type {
  FinishReason,
  GenerateEvent,
  GenerateRequest,
} from "@localmodel/inference/generate.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import { requestIdOf } from "@localmodel/service/request-id.ts";
import type { Request, Response } from "express";
import type { Ending, GenerationObserver } from "../observed-generation.ts";
import type { PromptLog } from "./prompt-log.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Where a request comes from, as both events say it. */
export type About = {
  readonly requestId: string;
  /** The name of the key it came with, if any. */
  readonly key?: string;
  readonly model: string;
  readonly path: string;
};

export function aboutRequest(req: Request, res: Response, model: string): About {
  const tenant = req.get(TENANT_HEADER) ?? "";
  return {
    requestId: requestIdOf(res),
    ...(tenant !== "" && { key: tenant }),
    model,
    path: req.path,
  };
}

type Choice = { text: string; finishReason?: FinishReason };

/** Nothing is done for the log while nobody reads it. */
export function observation(
  promptLog: PromptLog,
  request: GenerateRequest,
  about: About,
): GenerationObserver | undefined {
  return promptLog.isAttached ? new Observation(promptLog, request, about) : undefined;
}

class Observation implements GenerationObserver {
  readonly asks = { reportsPrompts: true };
  readonly #log: PromptLog;
  readonly #request: GenerateRequest;
  readonly #about: About;
  readonly #stopwatch = new Stopwatch();
  readonly #choices: Choice[] = [];
  #usage: Usage | undefined;

  constructor(log: PromptLog, request: GenerateRequest, about: About) {
    this.#log = log;
    this.#request = request;
    this.#about = about;
  }

  hear(event: GenerateEvent): void {
    this.#stopwatch.hear(event);
    switch (event.type) {
      case "accepted":
        this.#tellInput(event);
        break;
      case "echo":
      case "delta":
        this.#choice(event.choice).text += event.text;
        break;
      case "finish":
        this.#choice(event.choice).finishReason = event.reason;
        break;
      case "done":
        this.#usage = event.usage;
        break;
      case "started":
      case "prefilled":
        break;
    }
  }

  end({ hungUp, thrown }: Ending): void {
    const failure = hungUp ? "the client hung up" : thrown;
    const isComplete = this.#usage !== undefined;
    this.#tell("llm.prediction.output", {
      choices: this.#choices,
      ...(isComplete && { usage: this.#usage }),
      timings: this.#stopwatch.timings(this.#usage?.completionTokens),
      ...(!isComplete && { error: describe(failure) }),
    });
  }

  #tellInput({ promptTokens, prompts }: Extract<GenerateEvent, { type: "accepted" }>): void {
    const { sampling, stop, maxTokens, choicesPerPrompt } = this.#request;
    this.#tell("llm.prediction.input", {
      prompts,
      promptTokens,
      sampling,
      stop,
      maxTokens,
      choicesPerPrompt,
    });
  }

  #tell(type: string, fields: object): void {
    this.#log.tell({ type, time: new Date().toISOString(), ...this.#about, ...fields });
  }

  #choice(index: number): Choice {
    return (this.#choices[index] ??= { text: "" });
  }
}

/** Texts say what happened outside of the engine. */
export function describe(failure: unknown): { code: string | null; message: string } {
  if (typeof failure === "string") return { code: null, message: failure };
  const { code, message } = toFailure(failure);
  return { code, message };
}
