/**
 * One request to the engine as a reader of the log sees it: what the model received, and what came of it.
 *
 * Two events, with the names LM Studio's log stream gives them: one when the prompt is known, one when the
 * answer is over, however it ended.
 */
import type { AcceptedEvent, Usage } from "@localmodel/inference/events.ts";
import { toFailure } from "@localmodel/inference/failure.ts";
import type { FinishReason, GenerateEvent, Prompt } from "@localmodel/inference/generate.ts";
import type { AnyEvent, AnyRequest } from "@localmodel/inference/operation.ts";
import type { Asked, Ending, Watch, Watcher } from "../watcher.ts";
import type { PromptLog } from "./prompt-log.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Nothing is done for the log while nobody reads it. */
export function logging(log: PromptLog): Watch {
  return (asked) => (log.isAttached ? new LoggedRequest(log, asked) : undefined);
}

type LoggedCall = { readonly name: string; arguments: string };
type Choice = {
  text: string;
  reasoning?: string;
  toolCalls?: LoggedCall[];
  finishReason?: FinishReason;
};

class LoggedRequest implements Watcher {
  readonly reports = { reportsPrompts: true };
  readonly #log: PromptLog;
  readonly #asked: Asked;
  readonly #stopwatch = new Stopwatch();
  readonly #choices: Choice[] = [];
  #dimensions: number | undefined;
  #usage: Usage | undefined;

  constructor(log: PromptLog, asked: Asked) {
    this.#log = log;
    this.#asked = asked;
  }

  event(event: AnyEvent): void {
    this.#stopwatch.event(event);
    switch (event.type) {
      case "accepted":
        this.#write("input", inputOf(this.#asked, event));
        break;
      case "echo":
      case "delta":
        addText(this.#choice(event.choice), event);
        break;
      case "tool_call":
        (this.#choice(event.choice).toolCalls ??= []).push({ name: event.name, arguments: "" });
        break;
      case "tool_arguments":
        this.#arguments(event);
        break;
      case "finish":
        this.#choice(event.choice).finishReason = event.reason;
        break;
      case "vectors":
        this.#dimensions = event.vectors[0]?.length ?? 0;
        break;
      case "done":
        this.#usage = event.usage;
        break;
      default:
    }
  }

  end({ hungUp, thrown }: Ending): void {
    const failure = hungUp ? "the client hung up" : thrown;
    const isComplete = this.#usage !== undefined;
    this.#write("output", {
      ...this.#output(),
      timings: this.#stopwatch.timings(this.#usage?.completionTokens),
      ...(!isComplete && { error: describe(failure) }),
    });
  }

  #output(): object {
    const usage = this.#usage;
    if (this.#asked.operation === "generate") {
      return { choices: this.#choices, ...(usage !== undefined && { usage }) };
    }
    if (usage === undefined) return {};
    const { promptTokens } = usage;
    return { usage: { promptTokens }, dimensions: this.#dimensions };
  }

  #write(side: "input" | "output", fields: object): void {
    const { operation, requestId, tenant, head, path } = this.#asked;
    const name = LOGGED_NAMES[operation] ?? operation;
    this.#log.write({
      type: `llm.${name}.${side}`,
      time: new Date().toISOString(),
      requestId,
      ...(tenant !== "" && { key: tenant }),
      model: head.model,
      path,
      ...fields,
    });
  }

  #arguments({ choice, call, text }: Extract<AnyEvent, { type: "tool_arguments" }>): void {
    const called = this.#choice(choice).toolCalls?.[call];
    if (called !== undefined) called.arguments += text;
  }

  #choice(index: number): Choice {
    return (this.#choices[index] ??= { text: "" });
  }
}

function addText(choice: Choice, event: Extract<GenerateEvent, { type: "delta" | "echo" }>): void {
  const isReasoning = event.type === "delta" && event.isReasoning === true;
  if (!isReasoning) choice.text += event.text;
  else if (event.text !== "") choice.reasoning = (choice.reasoning ?? "") + event.text;
}

const LOGGED_NAMES: Readonly<Record<string, string>> = {
  generate: "prediction",
  embed: "embedding",
};

function inputOf({ operation, request }: AnyRequest, accepted: AcceptedEvent): object {
  if (operation === "embed") return { inputs: request.inputs };
  const { prompts, promptTokens } = accepted;
  if (operation !== "generate") return { prompts, promptTokens };
  const { sampling, stop, maxTokens, choicesPerPrompt, constraint } = request;
  const images = request.prompts.flatMap(imagesOf);
  const sounds = request.prompts.flatMap(soundsOf);
  const asked = {
    prompts,
    promptTokens,
    ...(images.length > 0 && { images }),
    ...(sounds.length > 0 && { sounds }),
    sampling,
    stop,
    maxTokens,
    choicesPerPrompt,
  };
  return constraint === undefined ? asked : { ...asked, constraint };
}

/** Enough to know a picture again; what it shows would be megabytes. */
function imagesOf(prompt: Prompt): readonly object[] {
  const pictures = prompt.kind === "chat" ? (prompt.pictures ?? []) : [];
  return pictures.map(({ width, height, sha256 }) => ({ width, height, sha256 }));
}

function soundsOf(prompt: Prompt): readonly object[] {
  const sounds = prompt.kind === "chat" ? (prompt.sounds ?? []) : [];
  return sounds.map(({ samples, sampleRate, sha256 }) => {
    return { seconds: samples.length / sampleRate, sha256 };
  });
}

/** Texts say what happened outside of the engine. */
function describe(failure: unknown): { code: string | null; message: string } {
  if (typeof failure === "string") return { code: null, message: failure };
  const { code, message } = toFailure(failure);
  return { code, message };
}
