/** Wires a model server: state and port go to a parent, if there is one; signals drain. */
import type { ChildProcess } from "node:child_process";
import type { ServerConfig } from "@localmodel/localmodel/server-config.ts";
import type { ServerMessage } from "@localmodel/localmodel/server-state.ts";
import { onShutdown } from "@localmodel/service/lifecycle.ts";
import { createLogger } from "@localmodel/service/log.ts";
import { tellParent } from "@localmodel/service/parent.ts";
import { ConfigurationError, readConfiguration } from "./configuration.ts";
import { EngineProcess } from "./engine-process.ts";

const log = createLogger("model-server");

/** `child` is an engine process that waits to be told what to load. */
export async function serve(child: ChildProcess): Promise<void> {
  try {
    await run(readConfiguration(process.env), child);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    log.error("cannot start", { error: error.message });
    process.exit(error instanceof ConfigurationError ? 2 : 1);
  }
}

async function run(config: ServerConfig, child: ChildProcess): Promise<void> {
  const engine = new EngineProcess(config, log, child);
  const [{ createApp }, { listen }] = await Promise.all([
    import("./app.ts"),
    import("@localmodel/service/http-server.ts"),
  ]);
  const server = await listen(createApp({ engine, config, log }), config);
  log.info("listening", { url: server.url, model: config.modelId });
  tell({ type: "listening", port: server.port });
  tell({ type: "state", state: engine.state });
  engine.onState((state) => {
    tell({ type: "state", state });
    if (state.state !== "loading")
      log.info(`the engine is ${state.state}`, { detail: state.message });
  });
  onShutdown(async () => {
    engine.drain();
    await server.drain(config.drainTimeoutMs, () => engine.abandon());
    await engine.stop();
  });
}

function tell(message: ServerMessage): void {
  tellParent(message);
}
