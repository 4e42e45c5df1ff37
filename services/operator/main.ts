/**
 * The operator as a process: configuration in, LocalModels looked after.
 *
 * It ends when it is told to, and when it loses its lease: another one leads then, and this one starts anew.
 */
import { findCluster } from "@localmodel/kube/access/cluster-access.ts";
import { healthListener } from "@localmodel/kube/manager/health.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { startTelemetry } from "@localmodel/telemetry/start.ts";
import { listen } from "@localmodel/service/http/http-server.ts";
import { onShutdown } from "@localmodel/service/process/lifecycle.ts";
import { createLogger, debugOnSignal } from "@localmodel/service/log/log.ts";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { ConfigurationError, readConfiguration } from "./configuration.ts";
import { createOperator } from "./operator.ts";

const log = createLogger("operator");
debugOnSignal(log);

async function run(): Promise<void> {
  const config = readConfiguration(process.env);
  const access = await findCluster();
  const metrics = new MetricRegistry();
  const telemetry = await startTelemetry("localmodel-operator", {
    complain: (message) => log.warn(message),
    metrics,
  });
  await using transport = new Transport(access, { metrics, userAgent: "localmodel-operator" });
  const operator = createOperator({
    transport,
    config,
    log,
    metrics,
    tracer: telemetry.tracer,
    identity: `${hostname()}_${randomBytes(4).toString("hex")}`,
    namespace: access.namespace ?? "default",
  });
  const health = healthListener({ live: {}, ready: operator.checks, metrics });
  const server = await listen(health, config);
  const stop = new AbortController();
  const running = operator.run(stop.signal);
  onShutdown(async (reason) => {
    log.info("stopping", { reason });
    stop.abort();
    await running;
    await telemetry.stop();
  });
  log.info("watching", { server: transport.server, health: server.url });
  try {
    await running;
  } finally {
    await server.close();
  }
}

try {
  await run();
} catch (error) {
  if (error instanceof ConfigurationError) log.error(error.message);
  else log.error("the operator ends", { error });
  process.exit(error instanceof ConfigurationError ? 2 : 1);
}
