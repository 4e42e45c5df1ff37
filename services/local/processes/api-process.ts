/**
 * The API service as a child process. It is the one whose port people know, so it is started first, and
 * started again on the same port whenever it ends by itself.
 */
import { setTimeout as wait } from "node:timers/promises";
import {
  API_CONFIG_VARIABLE,
  type ApiConfigInput,
} from "@localmodel/localmodel/contracts/api-config.ts";
import type {
  ApiMessage,
  Demand,
  Directory,
  DirectoryMessage,
} from "@localmodel/localmodel/contracts/directory.ts";
import { SERVER_KEY_VARIABLE } from "@localmodel/localmodel/contracts/server-key.ts";
import { API_HEAP } from "@localmodel/service/process/heap.ts";
import { formatDuration } from "@localmodel/weights/progress/units.ts";
import { crashesInARow, restartDelayMs } from "../desired/backoff.ts";
import { DRAIN_TIMEOUT_MS } from "./server-start.ts";
import { describeExit, ServiceProcess } from "./service-process.ts";

type ApiHooks = {
  /** The module of the API service. */
  readonly module: string;
  /** What model servers know it by is made from this. */
  readonly serverSecret: string;
  readonly onLine: (line: string) => void;
  /** Who is asked for, as of the directory of that number. */
  readonly onDemand: (demand: Demand, directory: number) => void;
  /** The server of a model that is to leave memory. */
  readonly onUnload: (server: string) => void;
};

/** Who may use it. */
type Access = Pick<ApiConfigInput, "adminFromLoopback" | "checkHost" | "cors" | "keysFile">;

type Address = { readonly host: string; readonly port: number };

const STOP_GRACE_MS = 10_000;

export class ApiProcess {
  readonly #hooks: ApiHooks;
  readonly #stop = new AbortController();
  readonly #access: Access;
  #address: Address;
  #process: ServiceProcess | undefined;
  #latest: DirectoryMessage | undefined;

  private constructor(hooks: ApiHooks, address: Address, access: Access) {
    this.#hooks = hooks;
    this.#access = access;
    this.#address = address;
  }

  /** Throws when it cannot listen; the message says why, the cause is the system's code for it. */
  static async start(hooks: ApiHooks, address: Address, access: Access): Promise<ApiProcess> {
    const api = new ApiProcess(hooks, address, access);
    await api.#listen();
    void api.#keep();
    return api;
  }

  get address(): Address {
    return this.#address;
  }

  /** The number by which the service will say that it goes by it. */
  publish(directory: Directory): number {
    const number = (this.#latest?.number ?? 0) + 1;
    this.#latest = { type: "directory", number, directory };
    this.#process?.send(this.#latest);
    return number;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#process?.stop(DRAIN_TIMEOUT_MS + STOP_GRACE_MS);
  }

  async #listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const config: ApiConfigInput = {
      ...this.#access,
      ...this.#address,
      drainTimeoutMs: DRAIN_TIMEOUT_MS,
    };
    const api = new ServiceProcess({
      module: this.#hooks.module,
      heap: API_HEAP,
      environment: {
        [API_CONFIG_VARIABLE]: JSON.stringify(config),
        [SERVER_KEY_VARIABLE]: this.#hooks.serverSecret,
      },
      onLine: this.#hooks.onLine,
      onMessage: (message) => {
        const heard = message as ApiMessage;
        switch (heard.type) {
          case "listening":
            return resolve(heard.port);
          case "failed":
            return reject(new Error(heard.message, { cause: heard.code }));
          case "demand":
            return this.#hooks.onDemand(heard.demand, heard.directory);
          case "unload":
            return this.#hooks.onUnload(heard.server);
        }
      },
    });
    this.#process = api;
    void api.exited.then((exit) =>
      reject(new Error(`the API service ended (${describeExit(exit)})`)),
    );
    // A free port that was once found is the one to keep.
    this.#address = { ...this.#address, port: await promise };
    if (this.#latest !== undefined) api.send(this.#latest);
  }

  async #keep(): Promise<void> {
    let crashes = 0;
    for (;;) {
      const startedMs = performance.now();
      const exit = await this.#process?.exited;
      if (this.#stop.signal.aborted || exit === undefined) return;
      crashes = crashesInARow(crashes, performance.now() - startedMs);
      const delayMs = restartDelayMs(crashes);
      this.#hooks.onLine(
        `the API service ended unexpectedly (${describeExit(exit)}); it starts again in ${formatDuration(delayMs)}`,
      );
      await wait(delayMs);
      if (this.#stop.signal.aborted) return;
      await this.#listen().catch((error: unknown) => this.#hooks.onLine(String(error)));
    }
  }
}
