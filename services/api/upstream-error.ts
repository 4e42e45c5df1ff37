/** What a client may know of a model server that did not answer as it should. */
import { engineFailed, OpenAIError, timedOut, toOpenAIError } from "@localmodel/openai/errors.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

export function toClientError(thrown: unknown): OpenAIError {
  if (!(thrown instanceof UpstreamFailure)) return toOpenAIError(thrown);
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
      return badGateway(thrown);
  }
}

function badGateway(cause: UpstreamFailure): OpenAIError {
  return new OpenAIError(
    {
      status: 502,
      message: "The server of this model sent an answer that is not valid HTTP.",
      type: "server_error",
      code: "bad_gateway",
      param: null,
      headers: {},
    },
    { cause },
  );
}
