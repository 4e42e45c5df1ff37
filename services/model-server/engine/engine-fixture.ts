/**
 * For tests: a scheduler on real llama.cpp with a tiny model, and requests whose events can be awaited.
 */
import { ServerConfig } from "@localmodel/localmodel/server-config.ts";
import type { OpenAIErrorData } from "@localmodel/openai/errors.ts";
import type { GenerateEvent, GenerateRequest, Sampling, TokenLogprob, Usage } from "../engine.ts";
import type { GenerationContext } from "./llama/context.ts";
import { type LoadedEngine, loadEngine } from "./load.ts";
import { encodePrompts } from "./prompt.ts";
import type { EngineEvent } from "./protocol.ts";
import { Scheduler } from "./scheduler.ts";

export const GREEDY: Sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repeatPenalty: 1,
  logitBias: [],
};

export type Answer = {
  readonly events: readonly GenerateEvent[];
  readonly error: OpenAIErrorData | undefined;
  /** Text of each choice. */
  readonly texts: readonly string[];
  readonly logprobs: readonly TokenLogprob[];
  readonly usage: Usage | undefined;
};

export class TestEngine {
  readonly loaded: LoadedEngine;
  readonly scheduler: Scheduler;
  readonly broken: unknown[] = [];
  readonly #listeners = new Map<number, (event: EngineEvent) => void>();
  #nextId = 1;

  static async load(
    weightsPath: string,
    engine: Partial<ServerConfig["engine"]> = {},
  ): Promise<TestEngine> {
    const config = ServerConfig.parse({
      modelId: "test",
      createdSeconds: 0,
      weightsPath,
      // One thread: llama.cpp's threads spin, which stalls them all when tests share the cores.
      engine: { gpuLayers: 0, threads: 1, ...engine },
    });
    return new TestEngine(await loadEngine(config, { progress: () => {}, log: () => {} }), config);
  }

  private constructor(loaded: LoadedEngine, config: ServerConfig) {
    this.loaded = loaded;
    const { facts, tokenizer, vocabulary, isEnd } = loaded;
    const { contextTokens } = facts;
    this.scheduler = new Scheduler({
      sequences: this.context.sequences,
      contextTokens,
      batchTokens: config.engine.batchTokens,
      vocabulary,
      isEnd,
      encode: (request, signal) => encodePrompts(request, tokenizer, { contextTokens, signal }),
      send: (events) => {
        for (const event of events) this.#listeners.get(event.id)?.(event);
      },
      onBroken: (error) => this.broken.push(error),
    });
  }

  get context(): GenerationContext {
    const [own] = this.loaded.generations;
    if (own === undefined) throw new Error("This model does not generate");
    return own.context;
  }

  get counters() {
    return this.context.counters;
  }

  /** Starts a request. `seen` is called at every event, `done` holds the whole answer. */
  start(
    request: Partial<GenerateRequest> & { readonly text?: string },
    seen: (event: GenerateEvent) => void = () => {},
  ): { readonly id: number; readonly done: Promise<Answer> } {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const events: GenerateEvent[] = [];
    this.#listeners.set(id, (heard) => {
      if ("event" in heard) {
        events.push(heard.event);
        seen(heard.event);
        if (heard.event.type === "done") resolve(answerOf(events, undefined));
      } else if ("error" in heard) {
        resolve(answerOf(events, heard.error));
      }
    });
    const { text = "Once upon a time", ...rest } = request;
    void this.scheduler.generate(id, {
      inputParam: "prompt",
      prompts: [{ kind: "text", text }],
      choicesPerPrompt: 1,
      sampling: GREEDY,
      maxTokens: 16,
      stop: [],
      echo: false,
      ignoreEos: true,
      tenant: "",
      ...rest,
    });
    return { id, done: promise };
  }

  ask(request: Partial<GenerateRequest> & { readonly text?: string }): Promise<Answer> {
    return this.start(request).done;
  }
}

function answerOf(events: readonly GenerateEvent[], error: OpenAIErrorData | undefined): Answer {
  const texts: string[] = [];
  const logprobs: TokenLogprob[] = [];
  for (const event of events) {
    if (event.type !== "delta" && event.type !== "echo") continue;
    texts[event.choice] = (texts[event.choice] ?? "") + event.text;
    logprobs.push(...(event.logprobs ?? []));
  }
  const last = events.at(-1);
  return { events, error, texts, logprobs, usage: last?.type === "done" ? last.usage : undefined };
}
