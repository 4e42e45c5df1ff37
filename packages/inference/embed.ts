/** Embedding: one vector for each input. */
import type { AcceptedEvent, DoneEvent, Reports, Timed } from "./events.ts";

/** What becomes of an input that is too long: this end of it is cut off. */
export type Truncation = {
  readonly cuts: "start" | "end";
  /** What is left, with the tokens that the model wants around a text. Absent: as much as the context holds. */
  readonly mostTokens?: number;
};

export type EmbedRequest = Reports & {
  readonly inputs: readonly (string | readonly number[])[];
  /** Absent: an input that is too long is refused. */
  readonly truncation?: Truncation;
};

export type EmbedEvent =
  | AcceptedEvent
  /** The first input has its turn. */
  | (Timed & { readonly type: "evaluating" })
  /** One L2-normalised vector per input, in order. */
  | { readonly type: "vectors"; readonly vectors: readonly Float32Array[] }
  | DoneEvent;
