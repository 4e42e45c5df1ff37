/**
 * The engine as a child process, kept alive.
 *
 * When the child dies, everything it was doing fails at once with a retryable error and a new child is
 * started after a pause that doubles with every death in a row. A child that says why it cannot load is
 * not started again: a person must change something first. So is one that the kernel kills for want of memory
 * while it loads, or a second time before it has served for a while; one such kill may be bad luck. One that may sleep, and
 * whose device others hold, sleeps instead of failing, until it is woken again. Nor is one started
 * whose files no longer have the bytes that the LocalModel asks for, nor one more after some that died every time they
 * loaded: their last words say why.
 */
import type { ChildProcess } from "node:child_process";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type {
  AcceleratorProblem,
  FailureReason,
  ModelFacts,
  ServerState,
} from "@localmodel/localmodel/contracts/server-state.ts";
import {
  engineFailed,
  modelFailed,
  modelLoading,
  shuttingDown,
} from "@localmodel/inference/unavailability.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import {
  type EventOf,
  type Operation,
  pair,
  type RequestOf,
} from "@localmodel/inference/operation.ts";
import { verifyPinned } from "@localmodel/weights/pinned-files.ts";
import { NO_THREADS, type ThreadCounts } from "../thread-counts.ts";
import { explained } from "../model/load-reason.ts";
import type { EngineEvent } from "../protocol.ts";
import { forkEngine } from "./engine-child.ts";
import { EventQueue } from "./event-queue.ts";
import { MemoryKills } from "./memory-kill.ts";
import type { Restartable } from "./sleeping-engine.ts";
import {
  type Death,
  type EngineMessage,
  type Silence,
  SILENCE,
  WatchedChild,
} from "./watched-child.ts";

const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 30_000;
/** A child that served this long starts the count of deaths anew. */
const SETTLED_MS = 60_000;
const STOP_GRACE_MS = 2_000;
/** In a row, of children that never got ready. */
const LOAD_DEATHS_MAX = 3;

type EngineProcessOptions = {
  /** One that was started ahead of time, and waits to be told what to load. */
  readonly child?: ChildProcess;
  readonly memoryKills?: MemoryKills;
  readonly silence?: Silence;
};

export class EngineProcess implements Restartable {
  readonly #config: ServerConfig;
  readonly #log: Logger;
  readonly #listeners: ((state: ServerState) => void)[] = [];
  readonly #memoryKills: MemoryKills;
  /** As they were when they were last looked at. */
  #pinned: readonly PinnedFile[];
  readonly #verifying = new AbortController();
  readonly #open = new Map<number, EventQueue<EngineEvent>>();
  #state: ServerState = { state: "loading", message: "Starting the engine", progress: 0 };
  /** Of the weights, once they have been loaded. */
  #facts: ModelFacts | undefined;
  readonly #silence: Silence;
  #child: WatchedChild | undefined;
  /** The end of the one that was put to sleep. */
  #ending: Promise<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  #nextId = 1;
  #deaths = 0;
  #loadDeaths = 0;
  #readySince = 0;
  #loadMs = 0;
  #startedAt = 0;
  #stopped = false;

  constructor(config: ServerConfig, log: Logger, options: EngineProcessOptions = {}) {
    const { child = forkEngine(), memoryKills = new MemoryKills(), silence = SILENCE } = options;
    this.#memoryKills = memoryKills;
    this.#silence = silence;
    this.#config = config;
    this.#pinned = config.pinnedFiles;
    this.#log = log;
    if (config.startsAsleep && config.sleepAfterSeconds !== undefined) {
      const message = "Its weights have not been loaded yet; the first request loads them";
      this.#state = { state: "asleep", message };
      child.disconnect();
    } else this.#start(child);
  }

  get state(): ServerState {
    return this.#state;
  }

  onState(listener: (state: ServerState) => void): void {
    this.#listeners.push(listener);
  }

  get threads(): ThreadCounts {
    return this.#child?.threads ?? NO_THREADS;
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
    child.send({ type: "ask", id, ...pair(operation, request) });
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
      if (!over) child.send({ type: "cancel", id });
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
    await Promise.all([this.#ending, this.#child?.stop(STOP_GRACE_MS)]);
  }

  sleep(): void {
    if (this.#state.state !== "ready" || this.#open.size > 0) return;
    this.#fallAsleep("Its weights have left memory; the next request loads them again");
  }

  #fallAsleep(message: string, problem?: AcceleratorProblem): void {
    this.#ending = this.#child?.stop(STOP_GRACE_MS);
    this.#child = undefined;
    const known = { ...(this.#facts && { model: this.#facts }), ...(problem && { problem }) };
    this.#become({ state: "asleep", message, ...known });
  }

  wake(): void {
    if (this.#state.state !== "asleep" || this.#state.progress !== undefined) return;
    const { message, problem } = this.#state;
    const said = problem === undefined ? "Waking: starting the engine" : message;
    this.#become({ ...this.#state, message: said, progress: 0 });
    void this.#startAfter(this.#ending);
  }

  /** What it holds of a device may be what the next one needs. */
  async #startAfter(end: Promise<void> | undefined): Promise<void> {
    await end;
    if (!this.#stopped) this.#start(forkEngine());
  }

  #start(child: ChildProcess): void {
    this.#startedAt = performance.now();
    // One that was put to sleep is nobody's any more.
    const ifCurrent = (act: () => void): void => {
      if (this.#child === watched) act();
    };
    const watched: WatchedChild = new WatchedChild(child, {
      silence: this.#silence,
      onMessage: (message) => ifCurrent(() => this.#receive(message)),
      onError: (error) => this.#log.error("engine process", { error: error.message }),
      onHang: (how) => ifCurrent(() => this.#hung(how)),
      onDeath: (death) => ifCurrent(() => this.#died(death)),
    });
    this.#child = watched;
    void this.#load(watched);
  }

  /** Before each load: files may have been replaced since the last one. */
  async #load(child: WatchedChild): Promise<void> {
    try {
      this.#pinned = await verifyPinned(this.#pinned, this.#verifying.signal);
      child.send({ type: "load", config: this.#config });
    } catch (error) {
      child.disconnect();
      if (this.#stopped) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#become({ state: "failed", reason: "ChecksumMismatch", message });
    }
  }

  #receive(message: EngineMessage): void {
    if (message.type === "events") {
      for (const event of message.events) this.#open.get(event.id)?.push(event);
    } else if (!this.#stopped) {
      const problem = passingProblem(message, this.#config);
      if (problem === undefined) return this.#become(this.#stateAfter(message));
      this.#log.warn("the engine waits for its device", problem);
      this.#fallAsleep(`${problem.message}. The device is shared: it is tried again`, problem);
    }
  }

  #stateAfter(message: Exclude<EngineMessage, { type: "events" }>): ServerState {
    switch (message.type) {
      case "loading": {
        // A restart stays a restart until it is over: "loading" would forget what happened.
        const { progress } = message;
        const text = `Loading the weights: ${Math.floor(progress * 100)} %`;
        if (this.#state.state === "asleep") {
          const { problem, ...rest } = this.#state;
          // Until it gets anywhere it has the problem that it had.
          if (problem !== undefined && progress === 0) return this.#state;
          return { ...rest, message: `Waking: ${text}`, progress };
        }
        if (this.#state.state !== "loading") return this.#state;
        return { state: "loading", message: text, progress };
      }
      case "ready":
        this.#readySince = performance.now();
        this.#loadDeaths = 0;
        this.#loadMs = this.#readySince - this.#startedAt;
        this.#facts = message.model;
        return { state: "ready", message: servingMessage(message.model), model: message.model };
      case "failed":
        return { state: "failed", reason: message.reason, message: message.message };
    }
  }

  /** Nobody waits for its end, which follows. */
  #hung(how: string): void {
    this.#log.error("the engine process hangs", { how, requests: this.#open.size });
    const message = `${how}; it is being restarted`;
    const queues = [...this.#open.values()];
    this.#open.clear();
    if (!this.#stopped) this.#become({ state: "restarting", message, retryAfterSeconds: 1 });
    for (const queue of queues) queue.fail(engineFailed(`${message}.`));
  }

  #died({ signal, how, lastLines }: Death): void {
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
      return this.#fail("OutOfMemory", outOfMemory, queues);
    }
    if (this.#readySince < this.#startedAt) this.#loadDeaths += 1;
    if (this.#loadDeaths < LOAD_DEATHS_MAX) return this.#startAgain(outOfMemory ?? how, queues);
    const every = `${how} every time it loaded the model`;
    this.#fail("LoadFailed", explained(every, lastLines), queues);
  }

  #fail(reason: FailureReason, message: string, queues: readonly EventQueue<EngineEvent>[]): void {
    this.#become({ state: "failed", reason, message });
    for (const queue of queues) queue.fail(engineFailed(`${message}.`));
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

/** What keeps one that may sleep from loading now, and may not next time. */
function passingProblem(
  message: Exclude<EngineMessage, { type: "events" }>,
  { sleepAfterSeconds }: ServerConfig,
): AcceleratorProblem | undefined {
  if (message.type !== "failed" || message.mayPass !== true) return undefined;
  const { reason, message: text } = message;
  return sleepAfterSeconds !== undefined && reason === "VramTooSmall"
    ? { reason, message: text }
    : undefined;
}

function isLast(happened: EngineEvent): boolean {
  return "failure" in happened || happened.event.type === "done";
}

function notReady(state: ServerState) {
  if (state.state === "restarting")
    return engineFailed(`${state.message}.`, state.retryAfterSeconds);
  if (state.state === "failed") return modelFailed(`The model cannot be served. ${state.message}`);
  return modelLoading(state.message, 1);
}

function servingMessage({ chatProblem }: ModelFacts): string {
  return chatProblem === undefined ? "Serving" : `Serving, but not chats: ${chatProblem}`;
}
