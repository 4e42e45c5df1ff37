/**
 * The API service's table of contents: every route, in the order in which a request meets it.
 *
 *   request id -> access log -> whose key? -> within its limits? -> body -> which model?
 *     -> which endpoint? -> forward bytes -> stream bytes back
 *
 * It reads one field of a request and forwards the bytes it received. It does not understand the rest,
 * so it cannot fall behind the model servers.
 */
import { allowOnly, answerErrors, unknownUrl } from "@localmodel/service/errors.ts";
import type { Logger } from "@localmodel/service/log.ts";
import { requestId } from "@localmodel/service/request-id.ts";
import express, { type Express } from "express";
import { accessLog } from "./access-log.ts";
import { hintAtUrl, PROXIED_PATHS } from "./allowed-paths.ts";
import { forward } from "./forward.ts";
import { healthRouter } from "./health.ts";
import { authenticate } from "./keys/authenticate.ts";
import { type Keys, NO_KEYS } from "./keys/key-source.ts";
import { limitKeys } from "./keys/limit.ts";
import { restrictModel } from "./keys/model-access.ts";
import { modelsRouter, type ModelDirectory } from "./model-list.ts";
import type { OpenRequests } from "./open-requests.ts";
import { readReference } from "./reference.ts";
import type { Upstream } from "./upstream.ts";

export type AppOptions = {
  readonly directory: ModelDirectory;
  readonly upstream: Upstream;
  readonly requests: OpenRequests;
  readonly log: Logger;
  readonly bodyMaxBytes: number;
  /** Default: whoever reaches the service may use it. */
  readonly keys?: Keys;
  /** Milliseconds that only go up: the clock of limits. */
  readonly now?: () => number;
};

export function createApp({
  directory,
  upstream,
  requests,
  log,
  bodyMaxBytes,
  keys = NO_KEYS,
  now,
}: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use(requestId());
  app.use(healthRouter(directory, requests));
  app.use(accessLog(log));
  app.use(authenticate(keys));

  app.use(modelsRouter(directory));
  const limit = limitKeys(now);
  for (const path of PROXIED_PATHS) {
    app
      .route(path)
      // Any type here, so that a wrong one is refused in OpenAI's form and not taken for no body.
      .post(
        limit,
        express.raw({ type: () => true, limit: bodyMaxBytes }),
        readReference,
        restrictModel(directory),
        forward({ directory, upstream, requests, log }),
      )
      .all(allowOnly(["POST"]));
  }

  app.use(hintAtUrl);
  app.use(unknownUrl);
  app.use(answerErrors(log));
  return app;
}
