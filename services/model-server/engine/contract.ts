/**
 * The engine as the HTTP half sees it: one request in, events out, whatever the operation.
 *
 * The seam between the two halves. `process/engine-process.ts` implements it with a child process that runs llama.cpp;
 * the HTTP tests implement it with scripted tokens. Expected failures (context too long, engine died, queue full) are
 * thrown as Failure when the events are iterated.
 */
import type { EventOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import type { ThreadCounts } from "./thread-counts.ts";

export interface Engine {
  readonly state: ServerState;
  /** That its next step of the kind uses; 0 where it has not said so. */
  readonly threads: ThreadCounts;
  /** Calls `listener` at every change of state. */
  onState(listener: (state: ServerState) => void): void;
  /**
   * Aborting `signal` ends the work at the engine and the iteration with the signal's reason. The last event is `done`:
   * without it the answer is not complete.
   */
  ask<Asked extends Operation>(
    operation: Asked,
    request: RequestOf<Asked>,
    signal: AbortSignal,
  ): AsyncIterable<EventOf<Asked>>;
}
