/**
 * The statuses that an answer of a model server may have. All others say something that is between the two servers, or
 * nothing at all: a redirection, a login, half of a file. A client would act on it, so it is told 502 instead.
 */
import { UpstreamFailure } from "./upstream-failure.ts";

/** Those of LocalModel's model servers, and 409, 422 and 501 of others that serve OpenAI's API. */
const ANSWERS: ReadonlySet<number> = new Set([
  200, 400, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 501, 502, 503, 504,
]);

/** Of a server that asks for a key: which one is shown is between the two, and a client's is none of it. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403]);

/** What is wrong with an answer of this status. */
export function failureOfStatus(status: number): UpstreamFailure | undefined {
  if (ANSWERS.has(status)) return undefined;
  const kind = REFUSALS.has(status) ? "refused" : "unexpected";
  return new UpstreamFailure(kind, true, `status ${status}`);
}
