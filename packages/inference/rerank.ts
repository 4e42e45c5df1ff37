/** Reranking: how well each of several documents answers a query. */
import type { AcceptedEvent, DoneEvent, Reports, Timed } from "./events.ts";

export type RerankAsk = {
  readonly query: string;
  readonly documents: readonly string[];
  /** How the client calls the documents, for refusals that name one of them. */
  readonly documentsField: string;
  /** Documents are cut off at their end, to fit the context. */
  readonly cuts: boolean;
  /** Documents are cut off behind so many tokens of their own. */
  readonly documentTokens?: number;
};

export type RerankRequest = Reports & RerankAsk;

export type RerankEvent =
  | AcceptedEvent
  /** The first pair has its turn. */
  | (Timed & { readonly type: "evaluating" })
  /** As the model's head gives them: higher is better, in no fixed range. In the order of the documents. */
  | { readonly type: "scores"; readonly scores: readonly number[] }
  | DoneEvent;
