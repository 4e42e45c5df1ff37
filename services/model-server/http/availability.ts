/** Whether the model can be asked now; if not, what a client should do about it. */
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type { ModelFacts, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import {
  engineFailed,
  modelFailed,
  modelLoading,
  shuttingDown,
} from "@localmodel/inference/unavailability.ts";
import type { Failure } from "@localmodel/inference/failure.ts";

/** Loading takes from a second to minutes; a client that asks this often costs nothing. */
const LOADING_RETRY_SECONDS = 5;

/** The model that is loaded, or will be once it is asked. Throws a 503 while there is none. */
export function loadedModel(state: ServerState): ModelFacts {
  if (isServing(state)) return state.model;
  throw unavailability(state);
}

type Available = Extract<ServerState, { state: "ready" | "asleep" }> & {
  readonly model: ModelFacts;
};
type Unavailable = Exclude<ServerState, { state: "ready" }>;

/** Whether it is known what is served; requests may have to wait until it has woken. */
export function isServing(state: ServerState): state is Available {
  return isReady(state) && state.model !== undefined;
}

/** Whether it takes requests. */
export function isReady(
  state: ServerState,
): state is Extract<ServerState, { state: "ready" | "asleep" }> {
  return state.state === "ready" || state.state === "asleep";
}

export function unavailability(state: Unavailable): Failure {
  if (state.state === "loading") return modelLoading(loadingMessage(state), LOADING_RETRY_SECONDS);
  if (state.state === "asleep") return modelLoading(sentence(state.message), LOADING_RETRY_SECONDS);
  if (state.state === "draining") return shuttingDown();
  if (state.state === "restarting") {
    return engineFailed(sentence(state.message), state.retryAfterSeconds);
  }
  // The same weights will fail again: repeating the request only delays the bad news.
  return modelFailed(`The model cannot be served. ${sentence(state.message)}`);
}

function loadingMessage({ message, progress }: { message: string; progress: number }): string {
  const percent = Math.floor(progress * 100);
  return `The model is loading, ${percent} % done. ${sentence(message)}`;
}
