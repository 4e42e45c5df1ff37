/**
 * One revision of one model on this machine, from its weights to its end.
 *
 *   fetch the weights -> start a server -> it loads, serves, crashes -> wait -> start it again -> …
 *
 * A model that sleeps has a server only between wake() and sleep(). It knows nothing of other models. It says how it is (`view`) at every change, and goes on until it is
 * stopped or until only a person can help.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { ServerMessage } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Termination } from "@localmodel/localmodel/contracts/termination.ts";
import { SERVER_HEAP } from "@localmodel/service/process/heap.ts";
import { METRICS_PORT_VARIABLE } from "@localmodel/service/http/metrics-server.ts";
import type { ProgressReporter } from "@localmodel/weights/progress/progress-reporter.ts";
import { formatDuration } from "@localmodel/weights/progress/units.ts";
import { crashesInARow, restartDelayMs } from "../desired/backoff.ts";
import type { DesiredModel } from "../desired/desired.ts";
import { type MemoryPlan, memoryPlan } from "../desired/memory-plan.ts";
import type { Placeable } from "../desired/placement.ts";
import type { DeviceBudget } from "./device-budget.ts";
import { fetchFiles, type ModelFiles } from "./model-files.ts";
import type { RunningServer } from "../desired/plan.ts";
import { DRAIN_TIMEOUT_MS, serverEnvironment } from "./server-start.ts";
import { type ServerView, viewOfServer } from "../desired/server-view.ts";
import { describeExit, type Exit, ServiceProcess } from "./service-process.ts";
import { type WeightsFacts, weightsFacts } from "./weights-facts.ts";

export type RunHooks = {
  /** The module of the model server. */
  readonly serverModule: string;
  /** What its server knows the API service by is made from this. */
  readonly serverSecret: string;
  readonly onChange: (run: ModelRun) => void;
  /** Whether this machine serves no other model. */
  readonly isAlone: () => boolean;
  /** For all models together. */
  readonly memoryBytes: number;
  readonly deviceBudget: Pick<DeviceBudget, "ask">;
  readonly onLine: (model: DesiredModel, line: string) => void;
  readonly progress: (model: DesiredModel) => ProgressReporter;
};

/** Time for a server to end after its own deadline for open requests. */
const STOP_GRACE_MS = 10_000;
/** How a model server ends that cannot use what it was started with. */
const CONFIGURATION_EXIT_CODE = 2;

/** How long it is told why a model that sleeps could not be loaded, before a request may try again. */
const FAILED_MS = 10_000;

/** Of a model that sleeps: when as many servers in a row have ended before they served, it cannot be loaded. */
const LOAD_ATTEMPTS = 3;

/** `absent`: nothing of it is in memory, and it cannot be loaded now. */
type Phase = "absent" | "asleep" | "loading" | "awake" | "stopping";

type Ending = {
  readonly exit: Exit;
  readonly servedMs: number;
  readonly failure?: Pick<Termination, "message" | "reason">;
};

export class ModelRun {
  readonly number: number;
  readonly model: DesiredModel;
  /** Settles when nothing of it is left. */
  readonly ended: Promise<void>;
  readonly #hooks: RunHooks;
  readonly #stop = new AbortController();
  #view: ServerView = { state: "pending", message: "about to start" };
  #process: ServiceProcess | undefined;
  #facts: WeightsFacts | undefined;
  #plan: MemoryPlan | undefined;
  #phase: Phase = "absent";
  /** Of a model that sleeps: ends what wake() began. */
  #activation: AbortController | undefined;
  #woken = Promise.withResolvers<void>();

  constructor(number: number, model: DesiredModel, hooks: RunHooks) {
    this.number = number;
    this.model = model;
    this.#hooks = hooks;
    this.ended = this.#run();
  }

  get view(): ServerView {
    return this.#view;
  }

  get status(): RunningServer["status"] {
    if (this.#stop.signal.aborted) return "stopping";
    if (this.#view.state === "failed") return "failed";
    // Asleep it serves as well: whoever asks for it wakes it.
    if (this.#phase === "asleep") return "serving";
    return this.#view.endpoint === undefined ? "coming" : "serving";
  }

  /** What it takes while it is in memory; undefined until its weights are there. */
  get needs(): Placeable | undefined {
    return this.#plan?.needs;
  }

  get phase(): Phase {
    if (!this.#stop.signal.aborted) return this.#phase;
    return this.#process === undefined ? "absent" : "stopping";
  }

  /** Loads a model that is asleep. */
  wake(): void {
    if (this.#phase !== "asleep") return;
    this.#activation = new AbortController();
    this.#become("loading");
    this.#woken.resolve();
  }

  /** Takes a model that sleeps out of memory, or stops loading it. Requests that are at its server are finished. */
  sleep(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#activation === undefined || this.#activation.signal.aborted) return;
    this.#activation.abort();
    this.#become("stopping");
    this.#show({ state: "asleep", message: "it gives its memory back" });
    void this.#process?.stop(DRAIN_TIMEOUT_MS + STOP_GRACE_MS);
  }

  /** Lets open requests finish. */
  stop(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      // A second request to stop would end it at once.
      if (this.#activation?.signal.aborted !== true)
        void this.#process?.stop(DRAIN_TIMEOUT_MS + STOP_GRACE_MS);
    }
    return this.ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      let files = await this.#fetch(signal);
      while (!signal.aborted) {
        if (this.#sleeps) await this.#rest(signal);
        const ends = this.#activation?.signal ?? signal;
        const failure = await this.#keepServing(files, AbortSignal.any([signal, ends]));
        if (signal.aborted) return;
        // A file was replaced under its server: where it came from may have the right one, or say what is wrong.
        if (failure?.reason === "ChecksumMismatch") files = await this.#fetch(signal);
        else await this.#tell(failure, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#phase = "absent";
      const message = error instanceof Error ? error.message : String(error);
      this.#show({ state: "failed", message });
    }
  }

  get #sleeps(): boolean {
    return this.model.idleSeconds !== undefined;
  }

  /** Until it is woken. */
  async #rest(signal: AbortSignal): Promise<void> {
    this.#activation = undefined;
    this.#woken = Promise.withResolvers();
    this.#phase = "asleep";
    this.#show({ state: "asleep", message: "it is loaded when a request names it" });
    const stop = (): void => this.#woken.reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    await this.#woken.promise;
    signal.removeEventListener("abort", stop);
  }

  /** Of a model that sleeps: says why it could not be loaded, for a while. */
  async #tell(failure: Ending["failure"], signal: AbortSignal): Promise<void> {
    if (failure === undefined) return;
    if (!this.#sleeps) throw new Error(failure.message);
    this.#phase = "absent";
    this.#show({ state: "failed", message: failure.message });
    await wait(FAILED_MS, undefined, { signal });
  }

  /** One server after the other, until `ends` or until one says that it cannot serve. */
  async #keepServing(files: ModelFiles, ends: AbortSignal): Promise<Ending["failure"]> {
    let crashes = 0;
    while (!ends.aborted) {
      const { exit, servedMs, failure } = await this.#serve(files, ends);
      if (ends.aborted) return undefined;
      if (failure !== undefined && failure.reason !== "ChecksumMismatch") return failure;
      crashes = crashesInARow(crashes, servedMs);
      const delayMs = restartDelayMs(crashes);
      // Who waits for it is told why there is nothing to wait for.
      if (this.#sleeps && crashes >= LOAD_ATTEMPTS && servedMs === 0) {
        const message = `its server ended unexpectedly (${describeExit(exit)}, ${crashes} times in a row)`;
        return { reason: "LoadFailed", message };
      }
      const message = failure?.message ?? crashMessage(exit, crashes, delayMs);
      this.#phase = "loading";
      this.#show({ state: "restarting", message });
      // Ended early, it is for its caller to see why.
      await wait(delayMs, undefined, { signal: ends }).catch(() => {});
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  async #fetch(signal: AbortSignal): Promise<ModelFiles> {
    this.#phase = "absent";
    using bar = this.#hooks.progress(this.model);
    const files = await fetchFiles(this.model, {
      signal,
      onProgress: bar.report,
      show: (view) => this.#show(view),
      onLine: (line) => this.#hooks.onLine(this.model, line),
    });
    await this.#look(files);
    return files;
  }

  /** What a model is that cannot be read, its server says best: only for one that sleeps it has to be known before. */
  async #look(files: ModelFiles): Promise<void> {
    try {
      this.#facts = await weightsFacts(files);
    } catch (error) {
      if (this.#sleeps) throw error;
      return;
    }
    const { inspection } = this.#facts;
    const planned = { ...this.model.spec, sleeps: this.#sleeps };
    const { memoryBytes: ramBytes, deviceBudget } = this.#hooks;
    // One that stays is loaded whatever there is: it need not wait for the answer.
    const deviceBytes = this.#sleeps ? await deviceBudget.ask() : 0;
    this.#plan = memoryPlan(inspection, planned, { ramBytes, deviceBytes });
  }

  /** One process, from its start to its end. */
  async #serve(files: ModelFiles, ends: AbortSignal): Promise<Ending> {
    let port: number | undefined;
    let readyMs: number | undefined;
    let failure: Ending["failure"];
    this.#phase = "loading";
    this.#show({ state: "loading", message: "starting its server" });
    const server = new ServiceProcess({
      module: this.#hooks.serverModule,
      heap: SERVER_HEAP,
      environment: {
        ...serverEnvironment(this.model, files, {
          isAlone: this.#hooks.isAlone(),
          serverSecret: this.#hooks.serverSecret,
          planned: this.#plan?.engine,
        }),
        // One port cannot be everybody's: it is the API service's.
        [METRICS_PORT_VARIABLE]: "",
      },
      onLine: (line) => this.#hooks.onLine(this.model, line),
      onMessage: (message) => {
        const heard = message as ServerMessage;
        if (heard.type === "listening") {
          port = heard.port;
          return;
        }
        // On its way to sleep it has no more to say.
        if (ends.aborted) return;
        if (heard.state.state === "ready") readyMs ??= performance.now();
        if (heard.state.state === "failed") {
          failure = heard.state;
          void server.stop(STOP_GRACE_MS);
        }
        const view = viewOfServer(heard.state, port);
        if (view === undefined) return;
        this.#phase = view.endpoint === undefined ? "loading" : "awake";
        this.#show(view);
      },
    });
    this.#process = server;
    const exit = await server.exited;
    this.#process = undefined;
    if (exit.code === CONFIGURATION_EXIT_CODE) {
      failure ??= { reason: "BadConfiguration", message: "its server refused its configuration" };
    }
    const servedMs = readyMs === undefined ? 0 : performance.now() - readyMs;
    return { exit, servedMs, ...(failure !== undefined && { failure }) };
  }

  #become(phase: Phase): void {
    this.#phase = phase;
    this.#hooks.onChange(this);
  }

  #show(view: ServerView): void {
    if (this.#stop.signal.aborted) return;
    const header = this.#facts?.facts;
    this.#view = { ...view, ...(header !== undefined && { header }) };
    this.#hooks.onChange(this);
  }
}

function crashMessage(exit: Exit, crashes: number, delayMs: number): string {
  const row = crashes > 1 ? `, ${crashes} times in a row` : "";
  const delay = delayMs < 1000 ? "now" : `in ${formatDuration(delayMs)}`;
  return `its server ended unexpectedly (${describeExit(exit)}${row}); it starts again ${delay}`;
}
