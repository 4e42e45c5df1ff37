/**
 * The engine as a child process, kept alive.
 *
 * When the child dies, everything it was doing fails at once with a retryable error and a new child is
 * started after a pause that doubles with every death in a row. A child that says why it cannot load is
 * not started again: a person must change something first. So is one that the kernel kills for want of memory
 * while it loads, or a second time before it has served for a while; one such kill may be bad luck. Nor is one started
 * whose files no longer have the bytes that the LocalModel asks for.
 */
import type { ChildProcess } from "node:child_process";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { engineFailed, modelLoading, shuttingDown } from "@localmodel/inference/unavailability.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import {
  type EventOf,
  type Operation,
  pair,
  type RequestOf,
} from "@localmodel/inference/operation.ts";
import { verifyPinned } from "@localmodel/weights/pinned-files.ts";
import type { Engine } from "../contract.ts";
import type { EngineEvent, FromEngine, ToEngine } from "../protocol.ts";
import { forkEngine } from "./engine-child.ts";
import { EventQueue } from "./event-queue.ts";
import { MemoryKills } from "./memory-kill.ts";

const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 30_000;
/** A child that served this long starts the count of deaths anew. */
const SETTLED_MS = 60_000;
const STOP_GRACE_MS = 2_000;

export class EngineProcess implements Engine {
  readonly #config: ServerConfig;
  readonly #log: Logger;
  readonly #listeners: ((state: ServerState) => void)[] = [];
  readonly #memoryKills: MemoryKills;
  /** As they were when they were last looked at. */
  #pinned: readonly PinnedFile[];
  readonly #verifying = new AbortController();
  readonly #open = new Map<number, EventQueue<EngineEvent>>();
  #state: ServerState = { state: "loading", message: "Starting the engine", progress: 0 };
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #nextId = 1;
  #deaths = 0;
  #readySince = 0;
  #loadMs = 0;
  #startedAt = 0;
  #stopped = false;

  /** `child` is one that was started ahead of time, and waits to be told what to load. */
  constructor(
    config: ServerConfig,
    log: Logger,
    child: ChildProcess = forkEngine(),
    memoryKills: MemoryKills = new MemoryKills(),
  ) {
    this.#memoryKills = memoryKills;
    this.#config = config;
    this.#pinned = config.pinnedFiles;
    this.#log = log;
    this.#start(child);
  }

  get state(): ServerState {
    return this.#state;
  }

  onState(listener: (state: ServerState) => void): void {
    this.#listeners.push(listener);
  }

  /** The child, for those who want to watch or to hurt it. */
  get processId(): number | undefined {
    return this.#child?.pid;
  }

  async *ask<Asked extends Operation>(
    operation: Asked,
    request: RequestOf<Asked>,
    signal: AbortSignal,
  ): AsyncGenerator<EventOf<Asked>> {
    signal.throwIfAborted();
    const child = this.#child;
    if (this.#state.state !== "ready" || child === undefined) throw notReady(this.#state);
    const id = this.#nextId++;
    const queue = new EventQueue<EngineEvent>();
    const abort = () => queue.fail(signal.reason);
    this.#open.set(id, queue);
    signal.addEventListener("abort", abort, { once: true });
    send(child, { type: "ask", id, ...pair(operation, request) });
    let over = false;
    try {
      for await (const happened of queue) {
        over = isLast(happened);
        if ("failure" in happened) throw new Failure(happened.failure);
        yield happened.event;
        if (over) return;
      }
    } finally {
      signal.removeEventListener("abort", abort);
      this.#open.delete(id);
      if (!over) send(child, { type: "cancel", id });
    }
  }

  /** Takes no more work; what is open goes on. */
  drain(): void {
    this.#stopped = true;
    clearTimeout(this.#restart);
    this.#become({ state: "draining", message: "Shutting down" });
  }

  /** Fails what is still open, for good. */
  abandon(): void {
    for (const queue of this.#open.values()) queue.fail(shuttingDown());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#verifying.abort();
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(kill);
  }

  #start(child: ChildProcess): void {
    this.#startedAt = performance.now();
    this.#child = child;
    child.on("message", (message) => this.#receive(message as FromEngine));
    child.on("error", (error) => this.#log.error("engine process", { error: error.message }));
    child.on("exit", (code, signal) => this.#died(code, signal));
    void this.#load(child);
  }

  /** Before each load: files may have been replaced since the last one. */
  async #load(child: ChildProcess): Promise<void> {
    try {
      this.#pinned = await verifyPinned(this.#pinned, this.#verifying.signal);
      send(child, { type: "load", config: this.#config });
    } catch (error) {
      if (child.connected) child.disconnect();
      if (this.#stopped) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#become({ state: "failed", reason: "ChecksumMismatch", message });
    }
  }

  #receive(message: FromEngine): void {
    if (message.type === "events") {
      for (const event of message.events) this.#open.get(event.id)?.push(event);
    } else if (!this.#stopped) {
      this.#become(this.#stateAfter(message));
    }
  }

  #stateAfter(message: Exclude<FromEngine, { type: "events" }>): ServerState {
    switch (message.type) {
      case "loading": {
        // A restart stays a restart until it is over: "loading" would forget what happened.
        if (this.#state.state !== "loading") return this.#state;
        const percent = Math.floor(message.progress * 100);
        const text = `Loading the weights: ${percent} %`;
        return { state: "loading", message: text, progress: message.progress };
      }
      case "ready":
        this.#readySince = performance.now();
        this.#loadMs = this.#readySince - this.#startedAt;
        return { state: "ready", message: "Serving", model: message.model };
      case "failed":
        return { state: "failed", reason: message.reason, message: message.message };
    }
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    const queues = [...this.#open.values()];
    this.#open.clear();
    if (this.#stopped || this.#state.state === "failed") {
      for (const queue of queues) queue.fail(engineFailed("The engine has stopped."));
      return;
    }
    const wasReady = this.#state.state === "ready";
    const settled = wasReady && performance.now() - this.#readySince > SETTLED_MS;
    this.#deaths = settled ? 1 : this.#deaths + 1;
    const outOfMemory = this.#memoryKills.explain(signal);
    if (outOfMemory !== undefined && (!wasReady || this.#deaths > 1)) {
      this.#log.error("the engine process was killed for want of memory", { detail: outOfMemory });
      this.#become({ state: "failed", reason: "OutOfMemory", message: outOfMemory });
      for (const queue of queues) queue.fail(engineFailed(`${outOfMemory}.`));
      return;
    }
    const how = outOfMemory ?? `The engine died (${signal ?? `exit code ${code}`})`;
    this.#startAgain(how, queues);
  }

  #startAgain(how: string, queues: readonly EventQueue<EngineEvent>[]): void {
    const pauseMs = restartPauseMs(this.#deaths);
    const retryAfterSeconds = Math.max(1, Math.ceil((pauseMs + this.#loadMs) / 1000));
    this.#log.error("the engine process died", { how, requests: queues.length, pauseMs });
    const message = `${how}; it is being restarted`;
    this.#become({ state: "restarting", message, retryAfterSeconds });
    for (const queue of queues) queue.fail(engineFailed(`${message}.`, retryAfterSeconds));
    this.#restart = setTimeout(() => this.#start(forkEngine()), pauseMs);
  }

  #become(state: ServerState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

export function restartPauseMs(deathsInARow: number): number {
  return Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (deathsInARow - 1));
}

function isLast(happened: EngineEvent): boolean {
  return "failure" in happened || happened.event.type === "done";
}

function notReady(state: ServerState) {
  if (state.state === "restarting")
    return engineFailed(`${state.message}.`, state.retryAfterSeconds);
  return modelLoading(state.message, 1);
}

function send(child: ChildProcess, message: ToEngine): void {
  // A child that is gone has its "exit" event under way, which fails what is open.
  if (child.connected) child.send(message, () => {});
}
