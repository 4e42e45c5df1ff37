/** The two that are compared, on the same file, threads, slots and context: each is started once and stays idle in turn. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { freePort } from "../../test/support/free-ports.ts";
import { ModelServer } from "../../test/support/model-server.ts";
import { type Memory, memoryBelow } from "./memory.ts";

export type PeerOptions = {
  readonly path: string;
  readonly threads: number;
  readonly slots: number;
  /** Of each slot. */
  readonly contextTokens: number;
  /** Of both sides. Default: none. */
  readonly gpuLayers?: number;
  readonly embeds?: boolean;
  readonly projectorPath?: string;
  /** Of this side alone: the engine's other settings. */
  readonly engine?: Partial<EngineSpec>;
};

export type Side = AsyncDisposable & {
  readonly name: string;
  readonly url: string;
  /** From the start of its process until it is ready. */
  readonly readyMs: number;
  /** Of all its processes. */
  readonly memory: () => Promise<Memory>;
};

const START_TIMEOUT_MS = 120_000;

export async function startModelServer(options: PeerOptions): Promise<Side> {
  const { path, threads, slots, contextTokens, gpuLayers = 0, projectorPath, engine } = options;
  const beganMs = performance.now();
  const server = await ModelServer.ready({
    weightsPath: path,
    ...(projectorPath !== undefined && { projectorPath }),
    engine: { gpuLayers, threads, slots, contextTokens, ...engine },
  });
  const readyMs = performance.now() - beganMs;
  return {
    name: "model server",
    url: server.url,
    readyMs,
    memory: () => memoryBelow(server.process.pid ?? 0),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export async function startLlamaServer(program: string, options: PeerOptions): Promise<Side> {
  const port = await freePort();
  const { path, threads, slots, contextTokens, embeds = false, projectorPath } = options;
  const { gpuLayers = 0 } = options;
  const settings: Readonly<Record<string, string | number>> = {
    "--model": path,
    "--threads": threads,
    "--threads-batch": threads,
    "--parallel": slots,
    "--ctx-size": slots * contextTokens,
    "--flash-attn": "on",
    "--n-gpu-layers": gpuLayers,
    "--port": port,
    "--host": "127.0.0.1",
    ...(projectorPath !== undefined && { "--mmproj": projectorPath, "--no-mmproj-offload": "" }),
  };
  const beganMs = performance.now();
  const child = spawn(
    program,
    [
      ...Object.entries(settings)
        .flat()
        .map(String)
        .filter((one) => one !== ""),
      ...(embeds ? ["--embeddings"] : []),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-4096);
  });
  const url = `http://127.0.0.1:${port}`;
  await untilHealthy(url, child, () => output);
  return {
    name: "llama-server",
    url,
    readyMs: performance.now() - beganMs,
    memory: () => memoryBelow(child.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        console.error(`llama-server had ended by itself. Its log:\n${output}`);
        return;
      }
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function untilHealthy(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`llama-server did not start. Its log:\n${output()}`);
    }
    const healthy = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return;
    await pause(5);
  }
}
