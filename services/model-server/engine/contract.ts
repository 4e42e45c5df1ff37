/**
 * The engine as the HTTP half sees it: a request in, events out.
 *
 * The seam between the two halves. `process/engine-process.ts` implements it with a child process that runs llama.cpp;
 * the HTTP tests implement it with scripted tokens. Expected failures (context too long, engine died, queue full) are
 * thrown as Failure when the events are iterated.
 */
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";

export interface Engine {
  readonly state: ServerState;
  /** Calls `listener` at every change of state. */
  onState(listener: (state: ServerState) => void): void;
  /** Aborting `signal` ends the work at the engine and the iteration with the signal's reason. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>;
  embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>;
}

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
