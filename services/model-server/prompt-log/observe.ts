/**
 * One generation as a reader of the log sees it: what the model received, and what came of it.
 *
 * Two events, with the names LM Studio's log stream gives them: one when the prompt is known, one when the
 * answer is over, however it ended.
 */
import { toOpenAIError } from "@localmodel/openai/errors.ts";
import type { Engine, FinishReason, GenerateEvent, GenerateRequest, Usage } from "../engine.ts";
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

type Observer = { readonly engine: Engine; readonly promptLog: PromptLog };

type Choice = { text: string; finishReason?: FinishReason };

/** What `engine.generate` yields; nothing is done for the log while nobody reads it. */
export function generateObserved(
  { engine, promptLog }: Observer,
  request: GenerateRequest,
  about: About,
  signal: AbortSignal,
): AsyncIterable<GenerateEvent> {
  if (!promptLog.isAttached) return engine.generate(request, signal);
  const events = engine.generate({ ...request, reportsPrompts: true }, signal);
  return observed(events, new Observation(promptLog, request, about), signal);
}

async function* observed(
  events: AsyncIterable<GenerateEvent>,
  observation: Observation,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent> {
  let thrown: unknown;
  try {
    for await (const event of events) {
      observation.hear(event);
      yield event;
    }
  } catch (error) {
    thrown = error;
    throw error;
  } finally {
    observation.end(signal.aborted ? "the client hung up" : thrown);
  }
}

class Observation {
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
        break;
    }
  }

  /** `failure` is what kept it from its end, if anything did. */
  end(failure: unknown): void {
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

function describe(failure: unknown): { code: string | null; message: string } {
  if (typeof failure === "string") return { code: null, message: failure };
  const { code, message } = toOpenAIError(failure);
  return { code, message };
}
