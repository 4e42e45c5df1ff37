/**
 * The API service as a process: configuration in, one endpoint for all models out.
 */
import { DEMAND_PATH } from "@localmodel/localmodel/contracts/demand.ts";
import { API_CONFIG_VARIABLE, ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { peerKeyFor } from "@localmodel/localmodel/contracts/server-key.ts";
import { listen } from "@localmodel/service/http/http-server.ts";
import { onShutdown } from "@localmodel/service/process/lifecycle.ts";
import { ListenError } from "@localmodel/service/http/listen-error.ts";
import { createLogger, debugOnSignal } from "@localmodel/service/log/log.ts";
import {
  type Handlers,
  metricsHandler,
  metricsPortIn,
  serveAside,
} from "@localmodel/service/http/metrics-server.ts";
import { notifyParent } from "@localmodel/service/process/parent.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { startTelemetry } from "@localmodel/telemetry/start.ts";
import { hostname } from "node:os";
import { createApp } from "./app.ts";
import { demandRoute } from "./demand/demand-route.ts";
import { DemandFeed } from "./demand/feed.ts";
import { countGateways } from "./gateways/gateway-count.ts";
import { fileDirectory } from "./directory/file-directory.ts";
import { DocumentFileError } from "./directory/followed-file.ts";
import { configuredKeys } from "./keys/configured-keys.ts";
import { ownLedger } from "./keys/own-ledger.ts";
import { SharedLedger } from "./keys/shared-ledger.ts";
import { Conversations } from "./kept/conversations.ts";
import { KeptResponses } from "./kept/kept-responses.ts";
import { peerRouter } from "./kept/peer-routes.ts";
import { Peers } from "./kept/peers.ts";
import type { ModelDirectory } from "./directory/model-directory.ts";
import { ValkeyAnswers } from "./kept/valkey-answers.ts";
import { OpenRequests } from "./upstream/open-requests.ts";
import { parentDirectory } from "./directory/parent-directory.ts";
import { configuredSecrets, serverKeysFrom } from "./upstream/server-keys.ts";
import { createUpstream } from "./upstream/upstream.ts";
import { ValkeySettingsError, valkeySettings } from "./valkey/settings.ts";
import type { Valkey } from "./valkey/valkey.ts";

const log = createLogger("api");
debugOnSignal(log);
const config = ApiConfig.parse(JSON.parse(process.env[API_CONFIG_VARIABLE] ?? "{}"));

const metricsPort = config.metricsPort ?? metricsPortIn(process.env);
const telemetry = await startTelemetry("localmodel-api", {
  complain: (message) => log.warn(message),
  metrics: metricsPort === undefined ? undefined : new MetricRegistry(),
});
const requests = new OpenRequests();
const feed = new DemandFeed(process.env["POD_NAME"] ?? hostname());

try {
  const valkey = await sharedValkey();
  const kept = new KeptResponses(config.keptResponses);
  const secrets = configuredSecrets(config, process.env);
  // What all replicas find in one place, none has to ask the others for.
  const peers = valkey === undefined ? otherReplicas(secrets) : undefined;
  const gateways = countGateways(config.peers);
  await gateways.refresh();
  const own = ownLedger({ gateways: gateways.current });
  const shared = valkey && new SharedLedger({ valkey, own, log });
  const app = createApp({
    gateways: gateways.current,
    directory: await modelDirectory(secrets),
    upstream: createUpstream(),
    serverKeys: serverKeysFrom(secrets),
    requests,
    log,
    limits: config,
    kept:
      valkey === undefined
        ? new Conversations(kept, peers)
        : new ValkeyAnswers({ valkey, limits: config.keptResponses, log }),
    ...(peers !== undefined && { peerRoutes: peerRouter(kept, peers) }),
    browsers: config,
    adminFromLoopback: config.adminFromLoopback,
    tracer: telemetry.tracer,
    metrics: telemetry.metrics,
    keys: await configuredKeys(config, log),
    ledger: shared ?? own,
  });
  await serveAsides(secrets);
  const server = await listen(app, config);
  void peers?.greet(server.port);
  onShutdown(async (reason) => {
    log.info("draining", { reason, openRequests: requests.count });
    const { drainQuietMs, drainTimeoutMs } = config;
    const left = requests.drain(drainQuietMs);
    await server.drain(drainQuietMs + drainTimeoutMs, () => requests.cut(), left);
    await peers?.close();
    shared?.[Symbol.dispose]();
    await valkey?.[Symbol.asyncDispose]();
    feed.end();
    await telemetry.stop();
  });
  notifyParent({ type: "listening", port: server.port });
  log.info("listening", { url: server.url });
} catch (error) {
  if (!isForPeople(error)) throw error;
  process.exitCode = 1;
  const { message, code } = error;
  if (!notifyParent({ type: "failed", message, code })) log.error(message);
  process.disconnect?.();
}

/** What whoever started it can mend. */
function isForPeople(
  error: unknown,
): error is ListenError | DocumentFileError | ValkeySettingsError {
  return (
    error instanceof ListenError ||
    error instanceof DocumentFileError ||
    error instanceof ValkeySettingsError
  );
}

/** Undefined where none is configured. Nobody waits for it: it may be away at any time, so also now. */
async function sharedValkey(): Promise<Valkey | undefined> {
  const settings = valkeySettings(config, process.env);
  if (settings === undefined) return undefined;
  // Only loaded where there is one: its client is large.
  const { Valkey } = await import("./valkey/valkey.ts");
  const { ValkeyMetrics } = await import("./valkey/valkey-metrics.ts");
  const { metrics } = telemetry;
  return new Valkey({ settings, log, metrics: metrics && new ValkeyMetrics(metrics) });
}

async function modelDirectory(secrets: readonly string[]): Promise<ModelDirectory> {
  if (config.directory === "parent") return parentDirectory();
  if (config.directory !== "kubernetes") return fileDirectory(config.directory.file, log);
  // Only loaded where there is a cluster: one machine has no use for its modules.
  const { ClusterDirectory } = await import("./directory/cluster/cluster-directory.ts");
  const { findCluster } = await import("@localmodel/kube/access/cluster-access.ts");
  const { namespaces } = config;
  const options = { namespaces, log, sleep: feed, serverKeys: serverKeysFrom(secrets) };
  return new ClusterDirectory(await findCluster(), options);
}

/** What is not for clients. */
async function serveAsides(secrets: readonly string[]): Promise<void> {
  const { metrics } = telemetry;
  const demandPort =
    config.directory === "kubernetes" ? (config.demandPort ?? metricsPort) : undefined;
  const isTogether = demandPort === metricsPort;
  const demand: Handlers = { [DEMAND_PATH]: demandRoute(feed, { secrets }) };
  if (metrics !== undefined && metricsPort !== undefined) {
    const handlers = { ...metricsHandler(metrics), ...(isTogether && demand) };
    const port = await serveAside(handlers, { host: config.host, port: metricsPort });
    log.info("serving metrics", { port });
  }
  if (demandPort !== undefined && !isTogether) {
    const port = await serveAside(demand, { host: config.host, port: demandPort });
    log.info("serving demand", { port });
  }
}

/** Undefined where there are none, or no secret by which they could know each other. */
function otherReplicas([secret]: readonly string[]): Peers | undefined {
  const { peers } = config;
  if (peers.length === 0) return undefined;
  if (secret !== undefined) return new Peers({ urls: peers, key: peerKeyFor(secret), log });
  log.warn("other replicas are not asked for kept responses: there is no secret to know them by");
  return undefined;
}
