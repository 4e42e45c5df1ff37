/**
 * Local mode as a process of its own, as a person starts it, for a test: its output is kept, its endpoint
 * is found in it, and nothing of it is left when the test ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { descendantsOf, isRunning, killTree } from "./process-tree.ts";

const TIMEOUT_MS = 60_000;
const POLL_MS = 20;

type LocalModeOptions = {
  /** The module to run: services/local/main.ts, or one with other services. */
  readonly main: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
};

export class LocalMode implements AsyncDisposable {
  readonly process: ChildProcess;
  #output = "";
  readonly #seen = new Set<number>();

  constructor({ main, arguments: given, environment }: LocalModeOptions) {
    this.process = spawn(process.execPath, [main, ...given], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
  }

  /** Everything it has printed. */
  get output(): string {
    return this.#output;
  }

  /** The base URL that it says it listens on. */
  async url(): Promise<string> {
    const [, url = ""] = await this.says(/listens on (\S+)/);
    return url;
  }

  /** Waits until it has printed something that matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(`it says ${pattern}`, () => pattern.exec(this.#output) ?? undefined);
  }

  /** Waits until the check returns something other than undefined and does not throw. */
  async until<Value>(
    what: string,
    check: () => Value | undefined | Promise<Value | undefined>,
  ): Promise<Value> {
    const deadline = performance.now() + TIMEOUT_MS;
    let reason = "";
    while (performance.now() < deadline) {
      try {
        const value = await check();
        if (value !== undefined) return value;
      } catch (error) {
        reason = ` (${String(error)})`;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`Waited in vain until ${what}${reason}. Its output:\n${this.#output}`);
  }

  /** The processes below it; remembered, to see later what became of them. */
  async children(): Promise<readonly { readonly pid: number; readonly command: string }[]> {
    const rows = await descendantsOf(this.process.pid ?? 0);
    for (const { pid } of rows) this.#seen.add(pid);
    return rows;
  }

  /** Those of its processes that still run. */
  orphans(): readonly number[] {
    return [...this.#seen].filter(isRunning);
  }

  async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { process: child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return { code: child.exitCode, signal: child.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.process.exitCode === null && this.process.signalCode === null;
    const roots = [...(running ? [this.process.pid ?? 0] : []), ...this.orphans()];
    await Promise.all(roots.map(killTree));
    await this.exit();
  }
}
