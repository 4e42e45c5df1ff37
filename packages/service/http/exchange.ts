/**
 * What is known of a request while it is answered: one typed object beside each response, filled by the middleware that
 * finds things out.
 */
import type { Dialect, FailureContext, RequestNames } from "@localmodel/inference/dialect.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { openai } from "@localmodel/openai/dialect.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";
import type { RequestHandler, Response } from "express";

type Exchange = {
  requestId?: string;
  /** By `performance.now()`, where the answer says how long it took. */
  receivedMs?: number;
  /** Absent where requests are not traced. */
  span?: Span;
  /** What went wrong, as one word for the span and the metrics. */
  errorType?: string;
  /** Absent for what is not an endpoint of a model. */
  endpoint?: Endpoint;
};

export function exchangeOf(res: Response): Exchange {
  return (res.locals["exchange"] ??= {}) as Exchange;
}

/** From here on the request is one to this endpoint, in its dialect. */
export function speakAs(endpoint: Endpoint): RequestHandler {
  return (_req, res, next) => {
    exchangeOf(res).endpoint = endpoint;
    next();
  };
}

/** Most clients know OpenAI's form, so what belongs to no endpoint is answered in it. */
export const FALLBACK_DIALECT: Dialect = openai;

export function dialectOf(res: Response): Dialect {
  return exchangeOf(res).endpoint?.dialect ?? FALLBACK_DIALECT;
}

export function failureContextOf(res: Response): FailureContext {
  const { endpoint } = exchangeOf(res);
  const names = namesOf(res);
  return endpoint === undefined ? { names } : { names, promptField: endpoint.fields.prompt };
}

/** What a person who has nothing but the body of an error can ask an operator about. */
function namesOf(res: Response): RequestNames {
  const { span, requestId } = exchangeOf(res);
  return {
    ...(requestId !== undefined && { requestId }),
    ...(span !== undefined && { traceId: span.traceId }),
  };
}
