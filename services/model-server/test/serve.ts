/** The app on a real socket, and what a client needs to reach it. */
import type { TestContext } from "node:test";
import { ServerConfig, type ServerConfigInput } from "@localmodel/localmodel/server-config.ts";
import { listen } from "@localmodel/service/http-server.ts";
import { createLogger, type LogStream } from "@localmodel/service/log.ts";
import { createApp } from "../app.ts";
import type { Engine } from "../engine.ts";

export type ServeOptions = {
  readonly config?: Partial<ServerConfigInput>;
  readonly keepAliveMs?: number;
};

export const config = ServerConfig.parse({
  modelId: "org/model:Q4",
  aliases: ["small"],
  createdSeconds: 1_700_000_000,
  weightsPath: "model.gguf",
});

export async function serve(t: TestContext, engine: Engine, options: ServeOptions = {}) {
  const lines: string[] = [];
  const stream: LogStream = { write: (line) => lines.push(line) };
  const app = createApp({
    engine,
    config: ServerConfig.parse({ ...config, ...options.config }),
    log: createLogger("model-server", { stream, level: "info", format: "json" }),
    ...(options.keepAliveMs !== undefined && { keepAliveMs: options.keepAliveMs }),
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  const { url, port } = server;
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  return { url, port, post, log: lines, clientOptions: { baseURL: `${url}/v1`, apiKey: "none" } };
}

/** Waits for a condition of a busy machine; what never comes true fails with its own message. */
export function eventually(t: TestContext, condition: () => void): Promise<void> {
  return t.waitFor(condition, { interval: 5, timeout: 20_000 });
}
