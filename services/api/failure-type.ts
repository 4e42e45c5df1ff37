/** Every way an attempt or a request can fail, as one word: for spans and metrics, which group by it. */
import { codeOf } from "@localmodel/inference/failure.ts";
import { CLIENT_CLOSED } from "@localmodel/service/server-span.ts";
import { ClientGone } from "./open-requests.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

export function failureType(thrown: unknown): string {
  if (thrown instanceof ClientGone) return CLIENT_CLOSED;
  if (thrown instanceof UpstreamFailure) return thrown.kind;
  return codeOf(thrown);
}
