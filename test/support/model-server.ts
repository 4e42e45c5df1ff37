/**
 * A real model-server process for a test: services/model-server/main.ts, started the way the local
 * supervisor starts it, on a port of its own.
 *
 * Its log is kept and shown when it does not get ready; nothing is printed otherwise.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  SERVER_CONFIG_VARIABLE,
  type ServerConfigInput,
} from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerMessage, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { compileCacheFolder } from "@localmodel/service/process/compile-cache.ts";
import { SERVER_HEAP } from "@localmodel/service/process/heap.ts";
import OpenAI, { type ClientOptions } from "openai";
import { childrenOf } from "./process-tree.ts";

const MAIN = fileURLToPath(new URL("../../services/model-server/main.ts", import.meta.url));
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

type ModelServerOptions = Partial<ServerConfigInput> & {
  readonly weightsPath: string;
};

type Environment = Readonly<Record<string, string>>;

export class ModelServer implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly modelId: string;
  #port = 0;
  #output = "";
  #state: ServerState = { state: "loading", message: "not heard of yet", progress: 0 };
  readonly #changes = new EventTarget();

  /** Resolves as soon as the process exists; most tests want `ready`. */
  constructor(options: ModelServerOptions, environment: Environment = {}) {
    const config = {
      modelId: "test-model",
      createdSeconds: 1_700_000_000,
      drainTimeoutMs: 5_000,
      ...options,
      // Two threads on a model this small spend their time waiting for each other.
      engine: { gpuLayers: 0, threads: 1, ...options.engine },
    } satisfies ServerConfigInput;
    this.modelId = config.modelId;
    this.process = fork(MAIN, {
      execArgv: [...SERVER_HEAP],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        NODE_COMPILE_CACHE: compileCacheFolder({ ...process.env, ...environment }),
        ...process.env,
        ...environment,
        [SERVER_CONFIG_VARIABLE]: JSON.stringify(config),
      },
    });
    this.process.on("message", (message) => this.#hear(message as ServerMessage));
    this.process.on("exit", () => this.#changed());
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
  }

  static async ready(
    options: ModelServerOptions,
    environment: Environment = {},
  ): Promise<ModelServer> {
    const server = new ModelServer(options, environment);
    try {
      // One that sleeps at once may have done so before anybody looks.
      await server.until(({ state }) => state === "ready" || state === "asleep");
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Everything it has written to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  get exited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** An OpenAI client with retries off, so that a test sees every answer. */
  client(options: ClientOptions = {}): OpenAI {
    return new OpenAI({
      baseURL: `${this.url}/v1`,
      apiKey: "unused",
      maxRetries: 0,
      timeout: 60_000,
      ...options,
    });
  }

  /** Waits until it listens and its state satisfies `condition`. */
  async until(condition: (state: ServerState) => boolean): Promise<ServerState> {
    const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
    while (this.#port === 0 || !condition(this.#state)) {
      if (this.exited || deadline.aborted) throw new Error(this.#explanation());
      await once(this.#changes, "change", { signal: deadline }).catch(() => undefined);
    }
    return this.#state;
  }

  async enginePid(): Promise<number> {
    const children = await childrenOf(this.process.pid ?? 0);
    const engine = children.find(({ command }) => command.includes("engine/main.ts"));
    if (engine === undefined) throw new Error(`There is no engine process. ${this.#explanation()}`);
    return engine.pid;
  }

  async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.exited) await once(this.process, "exit");
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.exited) return;
    this.process.kill("SIGTERM");
    // A second signal ends it at once, unless it comes so soon that it counts as the first.
    const again = setTimeout(() => this.process.kill("SIGTERM"), 400);
    const kill = setTimeout(() => this.process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exit();
    clearTimeout(again);
    clearTimeout(kill);
  }

  #hear(message: ServerMessage): void {
    if (message.type === "listening") this.#port = message.port;
    else this.#state = message.state;
    this.#changed();
  }

  #changed(): void {
    this.#changes.dispatchEvent(new Event("change"));
  }

  #explanation(): string {
    const how = this.exited
      ? `exited (${this.process.signalCode ?? this.process.exitCode})`
      : `is in state ${this.#state.state}: ${this.#state.message}`;
    return `The model server ${how}. Its log:\n${this.#output}`;
  }
}
