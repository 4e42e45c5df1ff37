/**
 * Generating: one prompt or many in, text for each choice out.
 *
 * A request has every field resolved; what a client left out has come from the LocalModel, the weights' own defaults or
 * the dialect before it gets here.
 */
import type { Constraint } from "./constraint.ts";
import type { AcceptedEvent, DoneEvent, Reports, Timed } from "./events.ts";
import type { Content, Picture, Sound } from "./picture.ts";
import type { ReasoningFormat } from "./reasoning-text.ts";
import type { ToolUse } from "./tools.ts";

/** A chat message in the shape chat templates expect, its content as text or, with pictures or sounds among it, as parts. */
export type TemplateMessage = {
  readonly role: string;
  readonly content: Content;
  readonly name?: string;
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly unknown[];
};

/** Without `lead` this follows the template's beginning of an answer. */
type Begun = {
  /** What the model writes before an answer, such as the end of reasoning that the template has begun. */
  readonly lead?: string;
  readonly text: string;
};

export type Prompt =
  | {
      readonly kind: "chat";
      readonly messages: readonly TemplateMessage[];
      /** Definitions of tools in the shape chat templates expect, OpenAI's: text from outside, like the messages. */
      readonly tools?: readonly object[];
      /** Where the conversation does not fit the context, its oldest messages are left out, instructions excepted. */
      readonly dropsOldest?: true;
      /** The client's own variables for the chat template: text from outside, like the messages. */
      readonly templateVariables?: Readonly<Record<string, unknown>>;
      /** What the model has said of its answer already: it goes on there. */
      readonly begun?: Begun;
      /** False: the template does not open an answer behind the conversation. */
      readonly opensAnswer?: boolean;
      /** What image parts point at, in the order of the conversation. */
      readonly pictures?: readonly Picture[];
      /** And audio parts. */
      readonly sounds?: readonly Sound[];
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
} & RareSampling;

/** What few ask for, in llama.cpp's terms. What is absent has no effect, but for the default that is told. */
export type RareSampling = {
  /** Top p, min p, typical p and XTC leave so many candidates. Default 1. */
  readonly minKeep?: number;
  /** Keeps tokens that are about as surprising as the distribution expects; 1 keeps all. */
  readonly typicalP?: number;
  /** Drops tokens whose logit is so many standard deviations below the best; not above 0: none. */
  readonly topNSigma?: number;
  /** At random drops all likely tokens but the least likely of them. */
  readonly xtc?: { readonly probability: number; readonly threshold: number };
  /** Penalises tokens that would go on repeating what was said. */
  readonly dry?: {
    readonly multiplier: number;
    readonly base: number;
    readonly allowedLength: number;
    /** How far it looks back: 0 nowhere, -1 to the beginning. */
    readonly lastTokens: number;
  };
  /** Chooses so that the surprise of each token stays near `tau`; candidates are dropped by nothing else then. */
  readonly mirostat?: { readonly version: 1 | 2; readonly tau: number; readonly eta: number };
  /** The temperature follows the entropy, by up to `range` to both sides. */
  readonly dynamicTemperature?: { readonly range: number; readonly exponent: number };
  /** How far penalties look back: 0 nowhere, -1 to the beginning. Default 64. */
  readonly penaltyTokens?: number;
};

export type GenerateRequest = Reports & {
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
  /** They end what is answered, and nothing that is thought. */
  readonly stop: readonly string[];
  /** Absent: the model does not think. Where its marks are control tokens, `reportsPieces` is set. */
  readonly thinking?: ReasoningFormat & { readonly startsInside: boolean };
  /** Absent: no logprobs. 0: of the chosen token only. */
  readonly topLogprobs?: number;
  /** Return the prompt's own text (and logprobs, if asked for) before the completion. */
  readonly echo: boolean;
  /** Go on after an end-of-generation token. */
  readonly ignoreEos: boolean;
  /** False: of its prompts nothing is taken from what was evaluated for other requests. */
  readonly usesPromptCache?: false;
  /** Absent: any text will do. */
  readonly constraint?: Constraint;
  /** Whether calls of tools are read out of the answer, and of which. The engine has no use for it. */
  readonly toolUse?: ToolUse;
  /** Tell which tokens wrote the text: `pieces` of deltas. */
  readonly reportsPieces?: boolean;
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

/** A token of an answer. Markers of reasoning and tool calls are often control tokens. */
export type TokenPiece = {
  readonly token: number;
  /** What it wrote of the text; for a control token what it is called, which is no part of the text. */
  readonly text: string;
  readonly isControl: boolean;
};

/** `tool_calls`: the answer ends with calls, which are complete. */
export type FinishReason = "stop" | "length" | "tool_calls";

export type GenerateEvent =
  | AcceptedEvent
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
      /** What the model thinks before it answers: no part of the answer. */
      readonly isReasoning?: true;
      /** Tokens that this choice has generated so far. */
      readonly completionTokens?: number;
      readonly logprobs?: readonly TokenLogprob[];
      /**
       * Only with `reportsPieces`: the tokens that are complete with this text, and control tokens, which write nothing.
       * A token whose last character is still held back comes with that.
       */
      readonly pieces?: readonly TokenPiece[];
    }
  /** A call of a tool begins; `call` counts those of the choice. Its arguments follow, before the next call. */
  | {
      readonly type: "tool_call";
      readonly choice: number;
      readonly call: number;
      readonly id: string;
      readonly name: string;
    }
  /** The next piece of the JSON text of a call's arguments. */
  | {
      readonly type: "tool_arguments";
      readonly choice: number;
      readonly call: number;
      readonly text: string;
    }
  | (Timed & {
      readonly type: "finish";
      readonly choice: number;
      readonly reason: FinishReason;
      /** The stop string that ended the answer, if one did. */
      readonly stop?: string;
      /** Of `length`: the context ended it before its maximum did. */
      readonly contextIsFull?: true;
      /** Only with `reportsTimes`. */
      readonly completionTokens?: number;
    })
  /** After every choice has finished. */
  | DoneEvent;
