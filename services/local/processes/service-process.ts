/**
 * A service as a child process: started with a configuration, heard over IPC, ended in order.
 *
 * Its IPC channel is also what ties their lives together: a child whose parent disappears, even by
 * `kill -9`, ends by itself.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import { SUPERVISED_VARIABLE } from "@localmodel/service/process/lifecycle.ts";

type ServiceOptions = {
  /** The module to run. */
  readonly module: string;
  /** Arguments of node. */
  readonly heap: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onMessage: (message: unknown) => void;
  /** What it writes to standard output and standard error, line by line. */
  readonly onLine: (line: string) => void;
};

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** All that run, so that the end of this process can take them along at once. */
const alive = new Set<ServiceProcess>();

export function killAll(): void {
  for (const service of alive) service.kill();
}

export class ServiceProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  constructor({ module, heap, environment, onMessage, onLine }: ServiceOptions) {
    const child = fork(module, {
      env: { ...process.env, ...environment, [SUPERVISED_VARIABLE]: "1" },
      execArgv: [...heap],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    child.on("message", onMessage);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", onLine);
    }
    alive.add(this);
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        alive.delete(this);
        resolve({ code, signal });
      };
      child.once("exit", ended);
      child.on("error", (error) => {
        onLine(String(error));
        // It could not even be started: there will be no "exit".
        if (child.pid === undefined) ended(null, null);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Asks it to finish its work, and insists at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.#child.kill("SIGTERM");
    const insist = setTimeout(() => this.kill(), deadlineMs);
    await this.exited;
    clearTimeout(insist);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** "exit code 1", "signal SIGKILL". */
export function describeExit({ code, signal }: Exit): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? "it could not be started" : `exit code ${code}`;
}
