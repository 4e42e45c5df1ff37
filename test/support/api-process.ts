/**
 * A real API service process for a test: services/api/main.ts, started the way the local supervisor starts it,
 * with models that the test names.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  API_CONFIG_VARIABLE,
  type ApiConfigInput,
} from "@localmodel/localmodel/contracts/api-config.ts";
import type {
  ApiMessage,
  DirectoryMessage,
  DirectoryModel,
} from "@localmodel/localmodel/contracts/directory.ts";
import { API_HEAP } from "@localmodel/service/process/heap.ts";

const MAIN = fileURLToPath(new URL("../../services/api/main.ts", import.meta.url));

type ApiProcessOptions = {
  readonly models: readonly (Pick<DirectoryModel, "id" | "endpoints"> & Partial<DirectoryModel>)[];
  readonly config?: ApiConfigInput;
  readonly environment?: Readonly<Record<string, string>>;
  /** A module that is loaded before the service. */
  readonly preload?: string;
};

export class ApiProcess implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly url: string;
  readonly #output: string[];

  private constructor(child: ChildProcess, url: string, output: string[]) {
    this.process = child;
    this.url = url;
    this.#output = output;
  }

  /** Resolves when it has its models. */
  static async start(options: ApiProcessOptions): Promise<ApiProcess> {
    const { models, config, environment, preload } = options;
    const child = fork(MAIN, {
      execArgv: [...API_HEAP, ...(preload === undefined ? [] : ["--import", preload])],
      env: {
        ...process.env,
        LOG_FORMAT: "json",
        ...environment,
        [API_CONFIG_VARIABLE]: JSON.stringify({ port: 0, ...config }),
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => output.push(text));
    }
    const [message] = (await once(child, "message")) as [ApiMessage];
    if (message.type !== "listening")
      throw new Error(`The API service failed: ${JSON.stringify(message)}`);
    const directory = { models: models.map((model) => ({ ...SERVED, ...model })) };
    child.send({ type: "directory", number: 1, directory } satisfies DirectoryMessage);
    const api = new ApiProcess(child, `http://127.0.0.1:${message.port}`, output);
    while (!(await fetch(`${api.url}/readyz`)).ok);
    return api;
  }

  /** Everything it has written to stdout and stderr. */
  get output(): string {
    return this.#output.join("");
  }

  /** Its log, line by line. */
  get lines(): readonly Readonly<Record<string, unknown>>[] {
    return this.output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  post(
    path: string,
    body: object,
    { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    return fetch(this.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
      ...(signal && { signal }),
    });
  }

  /** Ends it in order, and waits for its end. */
  async stop(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGTERM");
      await once(this.process, "exit");
    }
    return this.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const SERVED = {
  aliases: [],
  createdSeconds: 1,
  state: "ready",
  message: "serving",
  slots: 8,
} as const;
