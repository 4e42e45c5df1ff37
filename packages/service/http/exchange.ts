/**
 * What is known of a request while it is answered: one typed object beside each response, filled by the middleware that
 * finds things out.
 */
import type { Dialect, FailureContext, RequestNames } from "@localmodel/inference/dialect.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { openai } from "@localmodel/openai/dialect.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";
import { type Request, type RequestHandler, type Response, Router } from "express";

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
  /** Of what is no endpoint of a model, where its client is known by something else. */
  dialect?: Dialect;
};

export function exchangeOf(res: Response): Exchange {
  return (res.locals["exchange"] ??= {}) as Exchange;
}

/** In which dialect a request to no endpoint of a model is answered. Undefined: in the one that most clients know. */
export type OtherDialect = (req: Request) => Dialect | undefined;

/**
 * From here on a request to one of these endpoints is one in its dialect, and another in what `otherwise` says. Before
 * anything can be refused, so that refusals are in it, too.
 */
export function speakAs(
  endpoints: readonly Endpoint[],
  otherwise: OtherDialect = () => undefined,
): RequestHandler {
  const router = Router();
  for (const endpoint of endpoints) {
    router.all(endpoint.path, (_req, res, next) => {
      exchangeOf(res).endpoint = endpoint;
      res.set(endpoint.dialect.headers?.(namesOf(res)) ?? {});
      next();
    });
  }
  router.use((req, res, next) => {
    const exchange = exchangeOf(res);
    if (exchange.endpoint === undefined) {
      exchange.dialect = otherwise(req) ?? FALLBACK_DIALECT;
      res.set(exchange.dialect.headers?.(namesOf(res)) ?? {});
    }
    next();
  });
  return router;
}

/** Most clients know OpenAI's form, so what belongs to no endpoint is answered in it. */
export const FALLBACK_DIALECT: Dialect = openai;

export function dialectOf(res: Response): Dialect {
  const { endpoint, dialect = FALLBACK_DIALECT } = exchangeOf(res);
  return endpoint?.dialect ?? dialect;
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
