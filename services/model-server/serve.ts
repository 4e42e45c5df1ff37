/**
 * Wires a model server: state and port go to a parent, if there is one; signals drain.
 *
 * A parent keeps a failed server to tell its clients why. Without one the server is a container: it ends, and
 * leaves the reason where Kubernetes looks for it.
 */
import type { ChildProcess } from "node:child_process";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerMessage, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { onShutdown } from "@localmodel/service/process/lifecycle.ts";
import { createLogger, debugOnSignal } from "@localmodel/service/log/log.ts";
import { metricsPortIn, serveMetrics } from "@localmodel/service/http/metrics-server.ts";
import { hasParent, notifyParent } from "@localmodel/service/process/parent.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { startTelemetry } from "@localmodel/telemetry/start.ts";
import type { Termination } from "@localmodel/localmodel/contracts/termination.ts";
import { ConfigurationError, readConfiguration } from "./configuration.ts";
import { EngineProcess } from "./engine/process/engine-process.ts";
import { SleepingEngine } from "./engine/process/sleeping-engine.ts";
import { sayWhy } from "./pod/last-words.ts";

const log = createLogger("model-server");
debugOnSignal(log);

/** `child` is an engine process that waits to be told what to load. */
export async function serve(child: ChildProcess): Promise<void> {
  try {
    await run(readConfiguration(process.env), child);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message } = error;
    log.error("cannot start", { error: message });
    const isConfiguration = error instanceof ConfigurationError;
    end(
      { reason: isConfiguration ? "BadConfiguration" : "LoadFailed", message },
      isConfiguration ? 2 : 1,
    );
  }
}

async function run(config: ServerConfig, child: ChildProcess): Promise<void> {
  const engine = new EngineProcess(config, log, { child });
  const { sleepAfterSeconds, awakeSchedule } = config;
  const sleeper =
    sleepAfterSeconds === undefined
      ? undefined
      : new SleepingEngine(engine, { sleepAfterSeconds, awakeSchedule });
  const metricsPort = config.metricsPort ?? metricsPortIn(process.env);
  const [{ createApp }, { listen }, telemetry] = await Promise.all([
    import("./app.ts"),
    import("@localmodel/service/http/http-server.ts"),
    startTelemetry("localmodel-model-server", {
      complain: (message) => log.warn(message),
      metrics: metricsPort === undefined ? undefined : new MetricRegistry(),
    }),
  ]);
  const { tracer, metrics } = telemetry;
  if (metrics !== undefined && metricsPort !== undefined) {
    const port = await serveMetrics(metrics, { host: config.host, port: metricsPort });
    log.info("serving metrics", { port });
  }
  const server = await listen(
    createApp({ engine: sleeper ?? engine, sleeper, config, log, tracer, metrics }),
    config,
  );
  log.info("listening", { url: server.url, model: config.modelId });
  notify({ type: "listening", port: server.port });
  notify({ type: "state", state: engine.state });
  endWithoutHope(engine.state);
  engine.onState((state) => {
    endWithoutHope(state);
    notify({ type: "state", state });
    if (state.state !== "loading")
      log.info(`the engine is ${state.state}`, { detail: state.message });
  });
  onShutdown(async () => {
    engine.drain();
    await server.drain(config.drainTimeoutMs, () => engine.abandon());
    await engine.stop();
    await telemetry.stop();
  });
}

function endWithoutHope(state: ServerState): void {
  if (state.state !== "failed" || hasParent()) return;
  log.error("the model cannot be served", { reason: state.reason, detail: state.message });
  end(state, 1);
}

/** Takes an engine process that is still loading along: it ends with its channel. */
function end({ reason, message }: Termination, code: number): never {
  sayWhy({ reason, message }, process.env);
  process.exit(code);
}

function notify(message: ServerMessage): void {
  notifyParent(message);
}
