/**
 * An endpoint is one row. Who may be asked, what is read of a request to route it, how it is counted and traced, and in
 * whose words it fails are all derived from it, in the API service as in the model server.
 */
import type { Dialect, Frame } from "./dialect.ts";
import type { Operation } from "./operation.ts";

/** How a prompt names items of answers that are kept, instead of holding them. */
export type ItemReferences = {
  /** A text that stands in each prompt that does. */
  readonly mark: string;
  /** Ids of the items that a prompt names, in their order. */
  readonly idsIn: (prompt: unknown) => readonly string[];
  /** The id of the answer that an item is of. Undefined for an id that no item has. */
  readonly answerOf: (itemId: string) => string | undefined;
};

export type Endpoint<Asked extends Operation = Operation> = {
  readonly method: "POST";
  readonly path: string;
  /** What the engine is asked to do. */
  readonly operation: Asked;
  /** What the model must be able to do: one of the capabilities that its weights have. Absent: any model will do. */
  readonly capability?: string;
  /** False where nothing is evaluated: it need not wait until one of the model's servers can work on it. */
  readonly evaluates?: false;
  /** `gen_ai.operation.name` in OpenTelemetry's conventions for generative AI. */
  readonly telemetryName: string;
  readonly dialect: Dialect;
  /** The fields at the top of the body by which requests are routed and failures named. */
  readonly fields: {
    readonly model: string;
    /** True in a request whose answer is to be streamed. Absent: this endpoint never streams. */
    readonly stream?: string;
    readonly prompt: string;
  };
  /** Whether the prompt, where there is one, is a list and nothing else. */
  readonly promptIsList?: true;
  /** Whether a body that says to be a form, as curl does by itself, is JSON: examples of the API are written so. */
  readonly takesForms?: true;
  /** Whether a request that does not say so is for a stream. */
  readonly streamsByDefault?: true;
  /** Other fields that become part of the prompt, before what it begins with: tools, say. */
  readonly promptHeads?: readonly string[];
  /** How a text in them begins that is no part of the prompt. */
  readonly passedOver?: string;
  /** What bounds the tokens of an answer. Absent: its answers are not made of tokens. */
  readonly answerTokens?: {
    /** Fields that say how many at most, `a.b` for one inside of another; the first that is there counts. */
    readonly maximum: readonly string[];
    /** Fields that say how many answers are made; the largest counts. */
    readonly samples: readonly string[];
    /** What a request is taken for that names no maximum. */
    readonly unnamed: number;
    /** Whether a maximum of 0 is none. */
    readonly zeroIsNone?: true;
  };
  /** What asks for nothing but to have the model loaded or, with no time to stay so, not. Absent: no request does. */
  readonly emptyAsk?: {
    /** None of these fields is in it, or they are empty. */
    readonly without: readonly string[];
    /** The whole answer when it is to be unloaded. */
    readonly unloaded: (head: { readonly model: string; readonly created: number }) => object;
  };
  /** How a request goes on with an answer that is kept. Absent: it does not. */
  readonly keeps?: {
    /** Names the answer that a request goes on with. */
    readonly previous: string;
    /** Absent: its own answers are nothing to go on with. */
    readonly answers?: {
      /** False in a request whose answer is not to be kept. */
      readonly store: string;
      /** Events of a stream that hold the whole answer, in their field `response`. */
      readonly lastEvents: readonly string[];
    };
    /** Absent: prompts hold all that they are about. */
    readonly references?: ItemReferences;
  };
  /** A frame that shows what a stream waits for as what the model thinks, for clients that show that. */
  readonly waitingFrame?: (model: string, text: string) => Frame;
  /** Whether requests that begin alike are faster where the first of them was answered. */
  readonly reusesPrefixes: boolean;
};
