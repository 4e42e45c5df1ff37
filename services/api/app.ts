/**
 * The API service's table of contents: every route, in the order in which a request meets it.
 *
 *   request id -> trace -> access log -> from where? -> whose key? -> within its limits? -> body -> which model? may it be used?
 *     -> what it goes on with -> tokens set aside -> forward: a place in its queue -> a server -> bytes there -> bytes back   (forward/forward.ts)
 *
 * It reads three fields of a request and forwards the bytes it received. It does not understand the rest,
 * so it cannot fall behind the model servers.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { BodyMemory } from "@localmodel/service/http/bodies/body-memory.ts";
import { readBody } from "@localmodel/service/http/bodies/read-body.ts";
import { allowOnly, answerErrors, unknownUrl } from "@localmodel/service/http/errors.ts";
import { speakAs } from "@localmodel/service/http/exchange.ts";
import { guardHost } from "@localmodel/service/http/host-guard.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { requestId } from "@localmodel/service/http/request-id.ts";
import { routesOf } from "@localmodel/service/http/http-route.ts";
import { countRejects, measureRequests } from "@localmodel/service/http/http-metrics.ts";
import { traceRequests } from "@localmodel/service/http/server-span.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Tracer } from "@localmodel/telemetry/spans/span.ts";
import express, { type Express, type Request, type Response, Router } from "express";
import { accessLog } from "./request/access-log.ts";
import { Admission, type AdmissionLimits } from "./admission/admission.ts";
import { DemandBook } from "./admission/demand.ts";
import { letSleep } from "./admission/empty-asks.ts";
import { refuseInVain } from "./admission/in-vain.ts";
import { wakeRoutes } from "./admission/wake-routes.ts";
import { Balancer } from "./balancing/balancer.ts";
import { ENDPOINTS, hintAtUrl } from "./endpoints.ts";
import { allowOrigins } from "./browsers/cors.ts";
import { forward } from "./forward/forward.ts";
import { healthRouter } from "./health.ts";
import { authenticate } from "./keys/authenticate.ts";
import { type Keys, NO_KEYS } from "./keys/key-source.ts";
import { holdRefusals } from "./keys/held-refusals.ts";
import type { Ledger } from "./keys/ledger.ts";
import { limitKeys } from "./keys/limit.ts";
import { restrictModel } from "./keys/model-access.ts";
import { ownLedger } from "./keys/own-ledger.ts";
import { findEarlier } from "./kept/earlier.ts";
import type { AnswerStore } from "./kept/answer-store.ts";
import { keptRouter } from "./kept/routes.ts";
import { ApiMetrics } from "./metrics/api-metrics.ts";
import { findModel } from "./directory/find-model.ts";
import type { ModelDirectory } from "./directory/model-directory.ts";
import { modelsRouter } from "./model-list.ts";
import { ollamaRouter } from "./ollama-lists.ts";
import { dialectOfOthers } from "./other-dialects.ts";
import type { OpenRequests } from "./upstream/open-requests.ts";
import { adminOnly } from "./prompt-log/admin-only.ts";
import { promptLog } from "./prompt-log/log-route.ts";
import { tenantOf } from "./request/context.ts";
import { readReference } from "./request/reference.ts";
import type { ServerKeys } from "./upstream/server-keys.ts";
import type { Upstream } from "./upstream/upstream.ts";

type BodyLimits = Pick<ApiConfig, "bodyMaxBytes" | "bodiesMaxBytes" | "bodyIdleTimeoutMs">;

type AppOptions = {
  readonly directory: ModelDirectory;
  readonly upstream: Upstream;
  readonly requests: OpenRequests;
  /** Default: model servers ask for no key. */
  readonly serverKeys?: ServerKeys;
  readonly log: Logger;
  readonly limits: AdmissionLimits & BodyLimits;
  /** Default: no answer is kept. */
  readonly kept?: AnswerStore;
  /** What other replicas ask for. Default: there are none. */
  readonly peerRoutes?: Router;
  /** Default: each replica counts for itself. */
  readonly ledger?: Ledger | undefined;
  /** Default: all there are. */
  readonly endpoints?: readonly Endpoint[];
  /** Longest silence of a stream that waits for a place. */
  readonly keepAliveMs?: number;
  /** Default: no web page may use the service, but any host name leads to it. */
  readonly browsers?: Partial<Pick<ApiConfig, "checkHost" | "cors">>;
  /** Default: whoever reaches the service may use it. */
  readonly keys?: Keys;
  /** Default: nobody without an admin key may see what others ask. */
  readonly adminFromLoopback?: boolean;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Default: nothing is counted. */
  readonly metrics?: MetricRegistry | undefined;
  /** Replicas of this service, this one included. Default: it is alone. */
  readonly gateways?: () => number;
  /** Milliseconds that only go up: the clock of limits. */
  readonly now?: () => number;
};

export function createApp(options: AppOptions): Express {
  const {
    directory,
    requests,
    log,
    limits,
    browsers,
    keys = NO_KEYS,
    gateways,
    tracer,
    metrics: registry,
    adminFromLoopback,
    endpoints = ENDPOINTS,
    peerRoutes = Router(),
  } = options;
  const metrics = registry && new ApiMetrics(registry);
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use(requestId());
  app.use(healthRouter(directory, requests));
  app.use(peerRoutes);
  const routeOf = routesOf(endpoints);
  app.use(traceRequests(tracer, routeOf), measureRequests(registry, routeOf), accessLog(log));
  app.use(speakAs(endpoints, dialectOfOthers));
  if (browsers?.checkHost === true) app.use(guardHost);
  app.use(
    ["/v1", "/api", ...endpoints.map(({ path }) => path)],
    allowOrigins(browsers?.cors?.origins ?? []),
  );
  app.use(authenticate(keys));

  const balancer = new Balancer({
    onEjection: (reason) => metrics?.ejected(reason),
    gateways,
  });
  const { admission, demand } = waitingRooms(options, balancer);
  const guard = adminOnly({ fromLoopback: adminFromLoopback === true });
  app.use(wakeRoutes({ ...options, admission, demand, guard }));
  app.use(modelsRouter(directory), ollamaRouter(directory, demand));
  app
    .route("/admin/log")
    .get(guard, promptLog(options))
    .all(allowOnly(["GET"]));
  const limit = limitKeys(ledgerOf(options));
  const body = readBody({ ...bounds(limits), ownerOf });
  const restrict = restrictModel(directory);
  const forwarding = forward({ ...options, admission, balancer, demand, metrics });
  for (const endpoint of endpoints) {
    app
      .route(endpoint.path)
      .post(limit.open, body, readReference(endpoint), restrict)
      .post(letSleep({ directory, demand }, endpoint))
      .post(findEarlier(options, endpoint), refuseInVain(directory, endpoint))
      .post(limit.reserve, forwarding)
      .all(allowOnly([endpoint.method]));
  }

  // Behind the endpoints: `input_tokens` is one, and no answer is called so.
  app.use(keptRouter(options.kept, limits.bodyMaxBytes));

  app.use(hintAtUrl(endpoints));
  app.use(unknownUrl);
  if (metrics !== undefined) app.use(countRejects(metrics));
  app.use(holdRefusals(ownerOf), answerErrors(log));
  return app;
}

function bounds({ bodyMaxBytes, bodiesMaxBytes, bodyIdleTimeoutMs }: BodyLimits) {
  return {
    maxBytes: () => bodyMaxBytes,
    idleTimeoutMs: bodyIdleTimeoutMs,
    memory: new BodyMemory(() => bodiesMaxBytes),
  };
}

function waitingRooms({ directory, limits, gateways }: AppOptions, balancer: Balancer) {
  const { sleep } = directory;
  const admission = new Admission(limits, (id) => findModel(directory.current(), id), {
    onChange: (id) => sleep?.changed(id),
    ...(gateways && { gateways }),
  });
  const inFlight = (endpoint: string): number => balancer.inFlight(endpoint);
  const remembered = (endpoint: string): number => balancer.remembered(endpoint);
  const demand = new DemandBook(directory, admission, { inFlight, remembered });
  sleep?.watch(demand);
  return { admission, demand };
}

function ledgerOf({ ledger, now, gateways }: AppOptions): Ledger {
  return ledger ?? ownLedger({ now, gateways });
}

/** Who a request counts for where there may be no keys. */
function ownerOf(req: Request, res: Response): string {
  return tenantOf(res) || (req.socket.remoteAddress ?? "");
}
