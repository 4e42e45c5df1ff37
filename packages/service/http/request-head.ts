/**
 * What the head of a request may not be, whatever the app: two servers on its way could see two different requests in it.
 *
 * Node's parser has refused what is no HTTP at all (client-error.ts); two Host headers it lets through.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { FALLBACK_DIALECT } from "./exchange.ts";

export function headRefusal({ rawHeaders }: IncomingMessage): Failure | undefined {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts <= 1) return undefined;
  return invalidRequest(null, `The request has ${hosts} Host headers, where there must be one.`);
}

/** Before there is an app, and with the connection's end: nobody reads the body. */
export function answerRefusal(res: ServerResponse, refusal: Failure): void {
  const { status, headers, body } = FALLBACK_DIALECT.failure(refusal, { names: {} });
  res.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    connection: "close",
    ...headers,
  });
  res.end(JSON.stringify(body));
}
