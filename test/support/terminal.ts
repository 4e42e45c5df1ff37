/** A program of others on a terminal, which util-linux's `script` makes: what is typed there, and what it shows. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { eventually } from "./eventually.ts";
import { killTree } from "./process-tree.ts";

const SIZE = "stty rows 40 columns 120";

export class Terminal implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #shown = "";

  /** The command is bash's. */
  constructor(command: string, env: Readonly<Record<string, string>>) {
    const sized = `${SIZE}\n${command}`;
    const args = ["--quiet", "--flush", "--return", "--command", sized, "/dev/null"];
    // Nobody answers what programs ask terminals that can more.
    const ofTerminal = { TERM: "dumb", SHELL: "/bin/bash" };
    this.#process = spawn("script", args, { env: { ...env, ...ofTerminal } });
    this.#ended = once(this.#process, "close");
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#shown += text));
  }

  type(line: string): void {
    this.#process.stdin.write(`${line}\r`);
  }

  /** Waits until what it has shown, without colours and the like, matches. */
  async shows(pattern: RegExp): Promise<void> {
    const matches = () => assert.match(stripVTControlCharacters(this.#shown), pattern);
    await eventually(`a terminal that shows ${pattern}`, matches, { intervalMs: 20 });
  }

  /** The exit code of its program. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killTree(this.#process.pid ?? 0);
    await this.#ended;
  }
}
