/**
 * An engine for tests of the HTTP half: it generates what a test tells it to, when the test tells it to.
 *
 * It keeps the contract of `Engine` that the real one keeps: every event in order, and an aborted signal
 * ends the iteration with the signal's reason.
 */
import type { ModelFacts, ServerState } from "@localmodel/localmodel/server-state.ts";
import type {
  EmbedRequest,
  EmbedResult,
  Engine,
  GenerateEvent,
  GenerateRequest,
} from "../engine.ts";

export type Script = (
  request: GenerateRequest,
  signal: AbortSignal,
) => AsyncIterable<GenerateEvent>;

/** One call of `generate`, as the engine saw it. */
export type Call = {
  readonly request: GenerateRequest;
  readonly signal: AbortSignal;
  ended: boolean;
};

export const facts: ModelFacts = {
  architecture: "llama",
  parameters: 1000,
  quantization: "F32",
  sizeBytes: 4000,
  trainContextTokens: 2048,
  contextTokens: 1024,
  slots: 2,
  vocabularyTokens: 500,
  embeddingDimensions: 4,
  capabilities: ["chat", "completions", "embeddings"],
  memoryBytes: { ram: 5000, vram: 0 },
  sampling: {},
  fingerprint: "fp_test",
};

export class ScriptedEngine implements Engine {
  state: ServerState = { state: "ready", message: "Ready", model: facts };
  readonly calls: Call[] = [];
  readonly embedded: EmbedRequest[] = [];
  readonly #script: Script;

  constructor(script: Script = saying("Hello", " world")) {
    this.#script = script;
  }

  /** The only call so far, or the latest. */
  get call(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("The engine was not asked for anything.");
    return call;
  }

  onState(): void {}

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    const call: Call = { request, signal, ended: false };
    this.calls.push(call);
    try {
      yield* this.#script(request, signal);
    } finally {
      call.ended = true;
    }
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult> {
    signal.throwIfAborted();
    this.embedded.push(request);
    return {
      vectors: request.inputs.map((_, index) => Float32Array.of(3, 4, index, 0)),
      promptTokens: request.inputs.length,
    };
  }
}

/** Every choice says these pieces, one after the other, with choice i's log probabilities at -i - 1. */
export function saying(...pieces: readonly string[]): Script {
  return async function* (request) {
    const choices = request.prompts.length * request.choicesPerPrompt;
    yield { type: "accepted", promptTokens: 3 };
    for (let choice = 0; choice < choices; choice++) {
      yield { type: "started", choice, cachedTokens: 1 };
      if (request.echo)
        yield { type: "echo", choice, text: "Say:", ...logprobs(request, "Say:", null) };
    }
    for (const text of pieces) {
      for (let choice = 0; choice < choices; choice++) {
        yield { type: "delta", choice, text, ...logprobs(request, text, -choice - 1) };
      }
    }
    for (let choice = 0; choice < choices; choice++)
      yield { type: "finish", choice, reason: "stop" };
    const completionTokens = pieces.length * choices;
    yield { type: "done", usage: { promptTokens: 3, completionTokens, cachedTokens: 1 } };
  };
}

function logprobs({ topLogprobs }: GenerateRequest, token: string, logprob: number | null) {
  if (topLogprobs === undefined) return {};
  const bytes = [...Buffer.from(token)];
  const top = Array.from({ length: logprob === null ? 0 : topLogprobs }, (_, rank) => ({
    token: rank === 0 ? token : `${token}${rank}`,
    bytes,
    logprob: (logprob ?? 0) - rank,
  }));
  return { logprobs: [{ token, bytes, logprob, top }] };
}

/** Never fulfilled: rejects with the signal's reason when the client is gone. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
