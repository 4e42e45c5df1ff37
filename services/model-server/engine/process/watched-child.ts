/**
 * One engine process from its start to its end: what it says, that it still says something, and its last words.
 *
 * Its event loop beats once a second, whatever llama.cpp computes meanwhile on threads of its own. One that is silent
 * for too long hangs, and so does one that reports a step that does not end: both are killed, for what hangs does not
 * end by itself.
 */
import type { ChildProcess } from "node:child_process";
import { Patience } from "@localmodel/service/process/patience.ts";
import { NO_THREADS, type ThreadCounts } from "../thread-counts.ts";
import { RecentLines } from "../model/recent-lines.ts";
import { type FromEngine, HEARTBEAT_MS, type ToEngine } from "../protocol.ts";

/** Beats without a word. Libraries and vocabularies are read in one go while it loads. */
export type Silence = { readonly loadingBeats: number; readonly readyBeats: number };

export const SILENCE: Silence = { loadingBeats: 300, readyBeats: 30 };

/** What it says that is not about its own health. */
export type EngineMessage = Exclude<FromEngine, { type: "alive" | "stuck" }>;

export type Death = {
  readonly signal: NodeJS.Signals | null;
  /** A clause for a person. */
  readonly how: string;
  /** What it wrote to standard error in the end. */
  readonly lastLines: readonly string[];
};

type Hooks = {
  readonly silence: Silence;
  readonly onMessage: (message: EngineMessage) => void;
  readonly onError: (error: Error) => void;
  /** It is being killed; its death may take a while where a driver holds it. */
  readonly onHang: (how: string) => void;
  readonly onDeath: (death: Death) => void;
};

export class WatchedChild {
  readonly #child: ChildProcess;
  readonly #hooks: Hooks;
  readonly #written = new RecentLines();
  #patience: Patience | undefined;
  /** Of its next step, as it said last. */
  threads: ThreadCounts = NO_THREADS;
  /** Why it was killed from here. */
  #verdict: string | undefined;

  constructor(child: ChildProcess, hooks: Hooks) {
    this.#child = child;
    this.#hooks = hooks;
    this.#expect(hooks.silence.loadingBeats);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#written.write(text);
      process.stderr.write(text);
    });
    child.on("message", (message) => this.#receive(message as FromEngine));
    child.on("error", hooks.onError);
    // Not "exit": its last words may still be on their way.
    child.on("close", (code, signal) => this.#died(code, signal));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToEngine): void {
    // A child that is gone has its end under way, which fails what is open.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Asks it to end. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Asks it to end, and insists. */
  async stop(graceMs: number): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const kill = setTimeout(() => child.kill("SIGKILL"), graceMs);
    this.disconnect();
    await exited;
    clearTimeout(kill);
  }

  #receive(message: FromEngine): void {
    this.#patience?.renew();
    if (message.type === "alive") {
      this.threads = message.threads;
      return;
    }
    if (message.type === "stuck") return this.#kill(message.message);
    if (message.type === "ready") this.#expect(this.#hooks.silence.readyBeats);
    this.#hooks.onMessage(message);
  }

  #expect(beats: number): void {
    this.#patience?.[Symbol.dispose]();
    const seconds = Math.round((beats * HEARTBEAT_MS) / 1000);
    this.#patience = new Patience({ beatMs: HEARTBEAT_MS, beats }, () =>
      this.#kill(`The engine has not answered for ${seconds} s`),
    );
  }

  #kill(verdict: string): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.#child.kill("SIGKILL");
    this.#hooks.onHang(verdict);
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    this.#patience?.[Symbol.dispose]();
    const how = this.#verdict ?? `The engine died (${signal ?? `exit code ${code}`})`;
    this.#hooks.onDeath({ signal, how, lastLines: this.#written.lines });
  }
}
