/**
 * The model server's HTTP half, on one page: every route there is, and what all of them share.
 *
 * It validates, admits, streams and answers for its health; it never computes, so it answers for its health
 * also while the engine is busy, loading or dead.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { RESIDENCE_PATH } from "@localmodel/localmodel/contracts/residence.ts";
import { DEFAULT_CONTEXT_TOKENS } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { PICTURES_MAX_BYTES } from "@localmodel/localmodel/contracts/picture-limits.ts";
import { speakAs } from "@localmodel/service/http/exchange.ts";
import { answerErrors, allowOnly, unknownUrl } from "@localmodel/service/http/errors.ts";
import { guardHost } from "@localmodel/service/http/host-guard.ts";
import { createLogger, type Logger } from "@localmodel/service/log/log.ts";
import { requestId } from "@localmodel/service/http/request-id.ts";
import { routesOf } from "@localmodel/service/http/http-route.ts";
import { countRejects, measureRequests } from "@localmodel/service/http/http-metrics.ts";
import { traceRequests } from "@localmodel/service/http/server-span.ts";
import { Decoder } from "@localmodel/pictures/decoder/decoder.ts";
import { ImageFetcher } from "@localmodel/pictures/fetch/image-fetcher.ts";
import { RequestFetcher } from "@localmodel/pictures/fetch/request-fetcher.ts";
import { Room } from "@localmodel/pictures/room.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Tracer } from "@localmodel/telemetry/spans/span.ts";
import express, { type ErrorRequestHandler, type Express } from "express";
import { Places } from "./http/places.ts";
import { markProcessed, markReceived } from "./http/api-headers.ts";
import type { Engine } from "./engine/contract.ts";
import type { Sleeper } from "./engine/process/sleeping-engine.ts";
import { jsonBody } from "./http/json-body.ts";
import { observeEngine } from "./watching/metrics/observe-engine.ts";
import { requireServerKey } from "./http/server-key.ts";
import { ServerMetrics } from "./watching/metrics/server-metrics.ts";
import { measuring } from "./watching/metrics/measured-request.ts";
import { logging } from "./watching/prompt-log/logged-request.ts";
import { PromptLog } from "./watching/prompt-log/prompt-log.ts";
import { ENDPOINTS, type EndpointRoute } from "./routes/endpoints.ts";
import { alive, health, ready } from "./routes/health.ts";
import { load, unload } from "./routes/load.ts";
import { readLog } from "./routes/log.ts";
import { listModels, retrieveModel } from "./routes/models.ts";
import { residence } from "./routes/residence.ts";
import type { Serving } from "./serving.ts";
import { genAiConventions } from "./watching/tracing/gen-ai.ts";
import { tracing } from "./watching/tracing/request-span.ts";

export type AppOptions = {
  readonly engine: Engine;
  /** Of an engine that may leave memory. Default: it never does. */
  readonly sleeper?: Sleeper | undefined;
  readonly config: ServerConfig;
  readonly log?: Logger;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Default: nothing is counted. */
  readonly metrics?: MetricRegistry | undefined;
  /** Default: all there are. */
  readonly endpoints?: readonly EndpointRoute[];
  /** Longest silence in a stream. Proxies commonly cut at 60 seconds. */
  readonly keepAliveMs?: number;
};

const KEEP_ALIVE_MS = 15_000;

export function createApp(options: AppOptions): Express {
  const { engine, config, log = createLogger("model-server"), endpoints = ENDPOINTS } = options;
  const keepAliveMs = options.keepAliveMs ?? KEEP_ALIVE_MS;
  const metrics = options.metrics && new ServerMetrics(options.metrics, config);
  if (metrics !== undefined) observeEngine(metrics, engine, config);
  const promptLog = new PromptLog(keepAliveMs);
  const genAi = genAiConventions(process.env, config);
  const serving: Serving = {
    engine,
    sleeper: options.sleeper,
    config,
    log,
    keepAliveMs,
    promptLog,
    watches: [logging(promptLog), tracing(genAi), ...(metrics ? [measuring(metrics, genAi)] : [])],
    eyes: {
      decoder: new Decoder(),
      fetcher: new RequestFetcher(new ImageFetcher({ allowedHosts: config.imageHosts })),
      room: new Room(PICTURES_MAX_BYTES),
    },
    places: new Places(config.engine),
  };

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(requestId(), markReceived);

  const get = allowOnly(["GET", "HEAD"]);
  const post = allowOnly(["POST"]);
  app.route("/healthz").get(alive).all(get);
  app.route("/readyz").get(ready(serving)).all(get);
  app.route("/health").get(health(serving)).all(get);
  const knowsKey = requireServerKey(config.keySha256);
  app.route(RESIDENCE_PATH).get(knowsKey, residence(serving)).all(get);
  // Probes come every few seconds, and are nobody's request; nor is who listens for as long as he runs.
  const rows = endpoints.map(({ endpoint }) => endpoint);
  const routeOf = routesOf(rows);
  app.use(traceRequests(options.tracer, routeOf), measureRequests(options.metrics, routeOf));
  app.use(speakAs(rows));
  app.use(knowsKey);
  app.route("/load").post(load(serving)).all(post);
  app.route("/unload").post(unload(serving)).all(post);
  app.route("/v1/models").get(listModels(serving)).all(get);
  app.route("/v1/models/*id").get(retrieveModel(serving)).all(get);
  const takesImages = config.projectorPath !== undefined;
  const body = jsonBody(contextTokensNow(engine, config), takesImages);
  for (const { endpoint, handler } of endpoints) {
    app.route(endpoint.path).post(body, handler(serving)).all(post);
  }
  app.route("/admin/log").get(guardHost, readLog(serving)).all(get);
  engine.onState(({ state }) => {
    if (state === "draining") promptLog.end();
  });

  app.use(unknownUrl, timeErrors);
  if (metrics !== undefined) app.use(countRejects(metrics));
  app.use(answerErrors(log));
  return app;
}

/** The context that the model got, as soon as it is known; until then what it may get at most. */
function contextTokensNow(engine: Engine, config: ServerConfig): () => number {
  const unset = config.contextFromMemory ? Number.POSITIVE_INFINITY : DEFAULT_CONTEXT_TOKENS;
  let tokens = config.engine.contextTokens ?? unset;
  return () => {
    if (engine.state.state === "ready") tokens = engine.state.model.contextTokens;
    return tokens;
  };
}

const timeErrors: ErrorRequestHandler = (error, _req, res, next) => {
  if (!res.headersSent) markProcessed(res);
  next(error);
};
