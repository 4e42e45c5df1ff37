/**
 * The engine as the HTTP half sees it: a validated request in, events out.
 *
 * The seam between the two halves. `engine-process.ts` implements it with a child process that runs
 * llama.cpp; the HTTP tests implement it with scripted tokens. Expected failures (context too long,
 * engine died, queue full) are thrown as OpenAIError, from `generate` when it is iterated.
 */
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";

export interface Engine {
  readonly state: ServerState;
  /** Calls `listener` at every change of state. */
  onState(listener: (state: ServerState) => void): void;
  /** Aborting `signal` ends the work at the engine and the iteration with the signal's reason. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>;
  embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>;
}

/** A chat message with its content flattened to text, in the shape chat templates expect. */
export type TemplateMessage = {
  readonly role: string;
  readonly content: string;
  readonly name?: string;
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly unknown[];
};

export type Prompt =
  | {
      readonly kind: "chat";
      readonly messages: readonly TemplateMessage[];
      /** The client's own variables for the chat template: text from outside, like the messages. */
      readonly templateVariables?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "text"; readonly text: string; readonly suffix?: string }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

/** Every field resolved: request, then LocalModel, then the file's own defaults, then OpenAI's. */
export type Sampling = {
  readonly temperature: number;
  readonly topP: number;
  /** 0 considers every token. */
  readonly topK: number;
  readonly minP: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** 1 changes nothing. */
  readonly repeatPenalty: number;
  /** Token id and what is added to its logit; within the vocabulary. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** Absent: a random one per choice. */
  readonly seed?: number;
};

export type GenerateRequest = {
  /** The API parameter that held the input; errors about its length name it. */
  readonly inputParam: "messages" | "prompt";
  readonly prompts: readonly Prompt[];
  /** One of the configuration's ids of adapters. Absent: the model without those. */
  readonly adapter?: string;
  /** Choice `i * choicesPerPrompt + j` is sample j of prompt i. */
  readonly choicesPerPrompt: number;
  /** Absent: until the context is full. 0 evaluates the prompt and generates nothing. */
  readonly maxTokens?: number;
  /** No end-of-generation token before so many tokens; stop strings end the answer regardless. */
  readonly minTokens?: number;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  /** Absent: no logprobs. 0: of the chosen token only. */
  readonly topLogprobs?: number;
  /** Return the prompt's own text (and logprobs, if asked for) before the completion. */
  readonly echo: boolean;
  /** Go on after an end-of-generation token. */
  readonly ignoreEos: boolean;
  /** Tell what the prompts have become: see `accepted`. */
  readonly reportsPrompts?: boolean;
  /** Tell when things happened: `atMs` of events, and `prefilled`. */
  readonly reportsTimes?: boolean;
  /** Requests of different tenants never share a cached prefix. */
  readonly tenant: string;
};

export type TokenLogprob = {
  readonly token: string;
  readonly bytes: readonly number[];
  /** Natural log of the probability before sampling options; null for a prompt's first token. */
  readonly logprob: number | null;
  readonly top: readonly { token: string; bytes: readonly number[]; logprob: number }[];
};

export type FinishReason = "stop" | "length";

/** When something happened at the engine, in milliseconds since 1970; only with `reportsTimes`. */
type Timed = { readonly atMs?: number };

export type GenerateEvent =
  /** Valid, and waiting for slots. */
  | (Timed & {
      readonly type: "accepted";
      readonly promptTokens: number;
      /** Only with `reportsPrompts`: each as the model reads it, templated and with its control tokens. */
      readonly prompts?: readonly string[];
      /** Only with `reportsTimes`: when the request reached the engine, and which process that is. */
      readonly engine?: { readonly receivedMs: number; readonly processId: number };
    })
  /** The choice has a slot. `cachedTokens` of its prompt need no evaluation. */
  | (Timed & {
      readonly type: "started";
      readonly choice: number;
      readonly cachedTokens: number;
    })
  /** Only with `reportsTimes`: the prompt is evaluated, and the choice's first token is there. */
  | (Timed & {
      readonly type: "prefilled";
      readonly choice: number;
      /** Steps that evaluated a part of the prompt. */
      readonly chunks: number;
      readonly evaluatedTokens: number;
    })
  /** Only with `echo`: the prompt itself, before any delta of that choice. */
  | {
      readonly type: "echo";
      readonly choice: number;
      readonly text: string;
      readonly logprobs?: readonly TokenLogprob[];
    }
  /** Text safe to send: whole characters, no part of a stop string. With logprobs: of exactly this text. */
  | {
      readonly type: "delta";
      readonly choice: number;
      readonly text: string;
      /** Tokens that this choice has generated so far. */
      readonly completionTokens?: number;
      readonly logprobs?: readonly TokenLogprob[];
    }
  | (Timed & {
      readonly type: "finish";
      readonly choice: number;
      readonly reason: FinishReason;
      /** Only with `reportsTimes`. */
      readonly completionTokens?: number;
    })
  /** Last event, after every choice has finished. Prompt tokens count once per prompt. */
  | { readonly type: "done"; readonly usage: Usage };

export type Usage = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
};

export type EmbedRequest = {
  readonly inputs: readonly (string | readonly number[])[];
  readonly reportsTimes?: boolean;
};

/** In milliseconds since 1970. */
export type EmbedTimes = {
  readonly processId: number;
  readonly receivedMs: number;
  readonly tokenisedMs: number;
  /** The first input had its turn. */
  readonly startedMs: number;
  readonly endedMs: number;
};

/** One L2-normalised vector per input. */
export type EmbedResult = {
  readonly vectors: readonly Float32Array[];
  readonly promptTokens: number;
  /** Only with `reportsTimes`. */
  readonly times?: EmbedTimes;
};
