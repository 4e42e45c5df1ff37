/** What a client may know of a model server that did not answer as it should. */
import { badGateway, engineFailed, timedOut } from "@localmodel/inference/unavailability.ts";
import { type Failure, toFailure } from "@localmodel/inference/failure.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

export function toClientError(thrown: unknown): Failure {
  if (!(thrown instanceof UpstreamFailure)) return toFailure(thrown);
  switch (thrown.kind) {
    case "unreachable":
      return engineFailed("The server of this model could not be reached. Please retry.");
    case "cut":
      return engineFailed(
        "The server of this model ended the connection before its answer was complete. Please retry.",
      );
    case "timeout":
      return timedOut("The server of this model did not answer in time.");
    case "garbage":
      return badGateway("The server of this model sent an answer that is not valid HTTP.", {
        cause: thrown,
      });
  }
}
