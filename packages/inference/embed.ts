/** Embedding: one vector for each input. */
import type { AcceptedEvent, DoneEvent, Reports, Timed } from "./events.ts";

export type EmbedRequest = Reports & {
  readonly inputs: readonly (string | readonly number[])[];
};

export type EmbedEvent =
  | AcceptedEvent
  /** The first input has its turn. */
  | (Timed & { readonly type: "evaluating" })
  /** One L2-normalised vector per input, in order. */
  | { readonly type: "vectors"; readonly vectors: readonly Float32Array[] }
  | DoneEvent;
