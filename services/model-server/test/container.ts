/**
 * A container of a model's pod, as far as a process is one: an entry point with its configuration in the
 * environment, folders in place of mounts, and a file for its last words.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import {
  FETCH_CONFIG_VARIABLE,
  type FetchConfigInput,
  FetchProgress,
} from "@localmodel/localmodel/fetch-config.ts";
import { TERMINATION_LOG_VARIABLE } from "../pod/last-words.ts";
import { SECRETS_FOLDER_VARIABLE } from "../pod/secret-credentials.ts";

export type ContainerOptions = {
  readonly folder: { file(name: string): string };
  readonly files: FetchConfigInput["files"];
  readonly environment?: Readonly<Record<string, string>>;
};

export class Container {
  readonly process: ChildProcess;
  readonly #terminationLog: string;
  #output = "";

  constructor(t: TestContext, entry: "fetch" | "inspect", options: ContainerOptions) {
    const { folder, files, environment } = options;
    this.#terminationLog = folder.file(`${entry}-termination-log`);
    const config: FetchConfigInput = {
      files,
      cacheFolder: folder.file("cache"),
      host: "127.0.0.1",
      port: 0,
    };
    const main = fileURLToPath(new URL(`../${entry}.ts`, import.meta.url));
    this.process = spawn(process.execPath, [main], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HF_HOME: folder.file("no-hub"),
        LOG_FORMAT: "json",
        [SECRETS_FOLDER_VARIABLE]: folder.file("secrets"),
        [TERMINATION_LOG_VARIABLE]: this.#terminationLog,
        [FETCH_CONFIG_VARIABLE]: JSON.stringify(config),
        ...environment,
      },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
    t.after(() => this.process.kill("SIGKILL"));
  }

  get output(): string {
    return this.#output;
  }

  /** Exit status, or the signal that ended it. */
  async exit(): Promise<number | string | null> {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) await once(process, "close");
    return process.exitCode ?? process.signalCode;
  }

  async lastWords(): Promise<string> {
    return readFile(this.#terminationLog, "utf8");
  }

  /** Waits until `GET /progress` says so. */
  async until(
    t: TestContext,
    condition: (progress: FetchProgress) => boolean,
  ): Promise<FetchProgress> {
    return t.waitFor(
      async () => {
        const progress = await this.progress();
        if (!condition(progress)) throw new Error(JSON.stringify(progress) + this.#output);
        return progress;
      },
      { interval: 20, timeout: 30_000 },
    );
  }

  async progress(): Promise<FetchProgress> {
    const port = /"port":(\d+)/.exec(this.#output)?.[1];
    const response = await fetch(`http://127.0.0.1:${port}/progress`);
    return FetchProgress.parse(await response.json());
  }
}
