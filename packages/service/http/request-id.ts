/**
 * One id for a request on its whole way: client, API service, model server, logs.
 *
 * A client's own id is kept, because it is what the client will search for; anything that could break a
 * log line or a header is replaced instead of refused.
 */
import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";
import { exchangeOf } from "./exchange.ts";

export const REQUEST_ID_HEADER = "x-request-id";

const ACCEPTABLE = /^[!-~]{1,128}$/;

export function requestId(): RequestHandler {
  return (req, res, next) => {
    const id = acceptedRequestId(req.get(REQUEST_ID_HEADER));
    exchangeOf(res).requestId = id;
    res.set(REQUEST_ID_HEADER, id);
    next();
  };
}

/** The id as it came, if it is short and printable, else a new one. */
function acceptedRequestId(inbound: string | undefined): string {
  return inbound !== undefined && ACCEPTABLE.test(inbound) ? inbound : `req_${randomUUID()}`;
}

/** The id that `requestId()` gave this request. */
export function requestIdOf(res: Response): string {
  return exchangeOf(res).requestId ?? "";
}
