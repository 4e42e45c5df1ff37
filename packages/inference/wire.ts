/**
 * How an endpoint speaks: a body in, what it asks for out, and the engine's events back into the endpoint's own answer.
 */
import type { Frame } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Reports } from "./events.ts";
import type { Failure } from "./failure.ts";
import type { AskOf, EventOf, Operation } from "./operation.ts";

/** What every answer says of itself, the same in every event of a stream. */
export type AnswerHead = {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
};

export type Wire<Asked extends Operation> = {
  readonly endpoint: Endpoint<Asked>;
  /**
   * Throws a Failure for a body that is not a request of this endpoint. `keeper` is there if whoever stands in front keeps
   * answers, to go on with them later.
   */
  readonly understand: (body: unknown, keeper?: Keeper) => Understood<Asked>;
};

/** What is kept of a conversation outside of the model server. */
export type Keeper = {
  /** What came before this request, in the form of its endpoint; empty for one that begins anew. */
  readonly earlier: readonly unknown[];
  /** Items that the prompt, or what came before, names instead of holding them. */
  readonly referenced: readonly unknown[];
};

/** The frames of each event of a stream, of which many have none. */
export type Framing<Event> = {
  (event: Event): readonly Frame[];
  /** What is told of a stream that breaks, before its dialect's own event for the failure. */
  readonly failed?: (failure: Failure) => readonly Frame[];
  /** What is told while there is nothing to tell. Absent: a comment, which some clients' own timers do not count. */
  readonly idle?: () => readonly Frame[];
};

export type Understood<Asked extends Operation> = {
  /** As the client named it. */
  readonly model: string | undefined;
  readonly ask: AskOf<Asked>;
  /** Fields of the body that had no effect, in the order they were sent. */
  readonly ignored: readonly string[];
  /** What the answer tells and others do not: the engine is to report it. */
  readonly reports?: Reports;
  /** What the id of the answer begins with. */
  readonly idPrefix: string;
  /** All events of a complete answer, as one body. */
  readonly answer: (head: AnswerHead, events: readonly EventOf<Asked>[]) => object;
  /** Only of a request whose answer is to be streamed. */
  readonly stream?: (head: AnswerHead) => Framing<EventOf<Asked>>;
};
