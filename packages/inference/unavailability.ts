/**
 * What is wrong with the server: it is at its limit, not there yet, or broken. Most of it passes, and the failure says
 * when to come back.
 */
import { Failure } from "./failure.ts";

export function queueFull(afterSeconds: number): Failure {
  return rateLimited(
    "Too many requests are waiting for this model. Please retry later.",
    afterSeconds,
  );
}

export function rateLimited(message: string, afterSeconds: number): Failure {
  return new Failure({
    kind: "rate_limited",
    message,
    code: "rate_limit_exceeded",
    field: null,
    retry: { afterSeconds },
  });
}

/** The model is known and will be there: it is downloading, loading or starting. */
export function modelLoading(message: string, afterSeconds: number): Failure {
  return unavailable({ code: "model_loading", field: "model" }, message, afterSeconds);
}

/** The engine broke and comes back. Also the failure of a stream that it cut. */
export function engineFailed(message: string, afterSeconds = 1): Failure {
  return unavailable({ code: "engine_error", field: null }, message, afterSeconds);
}

/** What decodes files is a process of its own, and was not there, or ended by somebody else. */
export function decoderFailed(what: string, why: string, options?: ErrorOptions): Failure {
  return new Failure(
    {
      kind: "unavailable",
      message: `The server could not decode the ${what}: ${why}. Please retry.`,
      code: "decoder_error",
      field: null,
      retry: { afterSeconds: 1 },
    },
    options,
  );
}

/** Bodies of requests that are under way hold the memory that there is for them, or the caller's own part of it. */
export function overloaded(afterSeconds = 1): Failure {
  return new Failure({
    kind: "rate_limited",
    message:
      "The bodies of requests that are under way leave no memory for this one. Please retry later.",
    code: "server_overloaded",
    field: null,
    retry: { afterSeconds },
  });
}

export function shuttingDown(afterSeconds = 1): Failure {
  return unavailable(
    { code: "shutting_down", field: null },
    "This server is shutting down and takes no more requests. Please retry.",
    afterSeconds,
  );
}

/** What keeps answers is away: nobody can go on with one, or have one kept for sure. */
export function storeUnreachable(options?: ErrorOptions): Failure {
  return new Failure(
    {
      kind: "unavailable",
      message:
        "Kept responses cannot be reached at the moment. Try again, or send the whole conversation as `input` without " +
        "`previous_response_id` and with `store: false`.",
      code: "response_store_unavailable",
      field: null,
      retry: { afterSeconds: 2 },
    },
    options,
  );
}

/** The weights cannot be served until a person changes something, so repeating is no use. */
export function modelFailed(message: string): Failure {
  return new Failure({
    kind: "unavailable",
    message,
    code: "model_failed",
    field: "model",
    retry: "never",
  });
}

export function timedOut(message: string): Failure {
  return new Failure({ kind: "timed_out", message, code: "timeout", field: null });
}

export function badGateway(message: string, options?: ErrorOptions): Failure {
  return new Failure({ kind: "bad_gateway", message, code: "bad_gateway", field: null }, options);
}

function unavailable(
  { code, field }: { readonly code: string; readonly field: string | null },
  message: string,
  afterSeconds: number,
): Failure {
  return new Failure({ kind: "unavailable", message, code, field, retry: { afterSeconds } });
}
