/**
 * The span of a request as its server sees it: from the first byte heard to the last byte sent.
 *
 * Names and attributes come from routes, methods and status codes; of what a client sent only its path, address and
 * user agent are kept, and never a query, which may hold a key.
 */
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { Span, Tracer } from "@localmodel/telemetry/spans/span.ts";
import type { Request, RequestHandler, Response } from "express";
import { exchangeOf } from "./exchange.ts";
import type { RouteOf } from "./http-route.ts";
import { requestIdOf } from "./request-id.ts";

/** How a request ends whose client has gone. */
export const CLIENT_CLOSED = "client_closed_request";

const METHODS = new Set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split(" "));
const OTHER_METHOD = "_OTHER";
const TEXT_MAX_CHARACTERS = 256;

/** After `requestId()`. Does nothing without a tracer. */
export function traceRequests(tracer: Tracer | undefined, routeOf: RouteOf): RequestHandler {
  if (tracer === undefined) return (_req, _res, next) => next();
  return (req, res, next) => {
    const startMs = epochMs();
    const route = routeOf(req.path);
    const method = methodOf(req);
    const name = method === OTHER_METHOD ? "HTTP" : method;
    const span = tracer.start(route === undefined ? name : `${name} ${route}`, {
      kind: "server",
      startMs,
      headers: req.headers,
    });
    exchangeOf(res).span = span;
    if (!span.isRecording) {
      next();
      return;
    }
    span.set(requestAttributes(req, res, route));
    // The last byte is on its way: whoever waits for it may have it before this process hears that it was sent.
    let sentMs: number | undefined;
    res.once("prefinish", () => (sentMs = epochMs()));
    // What ends with the request, such as an attempt whose client has gone, ends first.
    res.once("close", () => setImmediate(() => finish(span, res, sentMs)));
    next();
  };
}

/** One of the few there are. */
export function methodOf({ method }: Request): string {
  return METHODS.has(method) ? method : OTHER_METHOD;
}

/** Undefined where requests are not traced. */
export function spanOf(res: Response): Span | undefined {
  return exchangeOf(res).span;
}

/** Names what went wrong with a request for its span and its metrics; the first word counts. */
export function markFailed(res: Response, errorType: string): void {
  exchangeOf(res).errorType ??= errorType;
}

/** Undefined for a request that ended well, or by its client's mistake. */
export function errorTypeOf(res: Response): string | undefined {
  const marked = exchangeOf(res).errorType;
  if (marked !== undefined) return marked;
  if (!res.writableFinished) return CLIENT_CLOSED;
  return res.statusCode >= 500 ? String(res.statusCode) : undefined;
}

/** Fields for every line in the log about this request. */
export function logFieldsOf(res: Response): Readonly<Record<string, string>> {
  const requestId = requestIdOf(res);
  const span = spanOf(res);
  if (span === undefined) return { requestId };
  return { requestId, trace_id: span.traceId, span_id: span.spanId };
}

function requestAttributes(req: Request, res: Response, route: string | undefined) {
  const { path, socket, headers } = req;
  return {
    "http.request.method": methodOf(req),
    "http.route": route,
    "url.path": path.slice(0, TEXT_MAX_CHARACTERS),
    "url.scheme": "http",
    "client.address": socket.remoteAddress,
    "user_agent.original": headers["user-agent"]?.slice(0, TEXT_MAX_CHARACTERS),
    "localmodel.request.id": requestIdOf(res),
  };
}

function finish(span: Span, res: Response, sentMs: number | undefined): void {
  if (res.headersSent) span.set({ "http.response.status_code": res.statusCode });
  const errorType = errorTypeOf(res);
  if (errorType !== undefined) span.fail(errorType);
  span.end(sentMs);
}
