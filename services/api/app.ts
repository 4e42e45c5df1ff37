/**
 * The API service's table of contents: every route, in the order in which a request meets it.
 *
 *   request id -> access log -> body -> which model? -> which endpoint? -> forward bytes -> stream bytes back
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
};

export function createApp({
  directory,
  upstream,
  requests,
  log,
  bodyMaxBytes,
}: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use(requestId());
  app.use(healthRouter(directory, requests));
  app.use(accessLog(log));

  app.use(modelsRouter(directory));
  for (const path of PROXIED_PATHS) {
    app
      .route(path)
      // Any type here, so that a wrong one is refused in OpenAI's form and not taken for no body.
      .post(
        express.raw({ type: () => true, limit: bodyMaxBytes }),
        readReference,
        forward({ directory, upstream, requests, log }),
      )
      .all(allowOnly(["POST"]));
  }

  app.use(hintAtUrl);
  app.use(unknownUrl);
  app.use(answerErrors(log));
  return app;
}
