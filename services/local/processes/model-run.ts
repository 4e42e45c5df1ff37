/**
 * One revision of one model on this machine, from its weights to its end.
 *
 *   fetch the weights -> start a server -> it loads, serves, crashes -> wait -> start it again -> …
 *
 * It knows nothing of other models. It says how it is (`view`) at every change, and goes on until it is
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
import { fetchFiles, type ModelFiles } from "./model-files.ts";
import type { RunningServer } from "../desired/plan.ts";
import { DRAIN_TIMEOUT_MS, serverEnvironment } from "./server-start.ts";
import { type ServerView, viewOfServer } from "../desired/server-view.ts";
import { describeExit, type Exit, ServiceProcess } from "./service-process.ts";

export type RunHooks = {
  /** The module of the model server. */
  readonly serverModule: string;
  /** What its server knows the API service by is made from this. */
  readonly serverSecret: string;
  readonly onChange: (run: ModelRun) => void;
  /** Whether this machine serves no other model. */
  readonly isAlone: () => boolean;
  readonly onLine: (model: DesiredModel, line: string) => void;
  readonly progress: (model: DesiredModel) => ProgressReporter;
};

/** Time for a server to end after its own deadline for open requests. */
const STOP_GRACE_MS = 10_000;
/** How a model server ends that cannot use what it was started with. */
const CONFIGURATION_EXIT_CODE = 2;

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
    return this.#view.endpoint === undefined ? "coming" : "serving";
  }

  /** Lets open requests finish. */
  stop(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      void this.#process?.stop(DRAIN_TIMEOUT_MS + STOP_GRACE_MS);
    }
    return this.ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      let files = await this.#fetch(signal);
      let crashes = 0;
      while (!signal.aborted) {
        const { exit, servedMs, failure } = await this.#serve(files);
        if (signal.aborted) return;
        // A file was replaced under its server: where it came from may have the right one, or say what is wrong.
        if (failure?.reason === "ChecksumMismatch") files = await this.#fetch(signal);
        else if (failure !== undefined) throw new Error(failure.message);
        crashes = crashesInARow(crashes, servedMs);
        const delayMs = restartDelayMs(crashes);
        const message = failure?.message ?? crashMessage(exit, crashes, delayMs);
        this.#show({ state: "restarting", message });
        await wait(delayMs, undefined, { signal });
      }
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#show({ state: "failed", message });
    }
  }

  async #fetch(signal: AbortSignal): Promise<ModelFiles> {
    using bar = this.#hooks.progress(this.model);
    return await fetchFiles(this.model, {
      signal,
      onProgress: bar.report,
      show: (view) => this.#show(view),
      onLine: (line) => this.#hooks.onLine(this.model, line),
    });
  }

  /** One process, from its start to its end. */
  async #serve(files: ModelFiles): Promise<Ending> {
    let port: number | undefined;
    let readyMs: number | undefined;
    let failure: Ending["failure"];
    this.#show({ state: "loading", message: "starting its server" });
    const server = new ServiceProcess({
      module: this.#hooks.serverModule,
      heap: SERVER_HEAP,
      environment: {
        ...serverEnvironment(this.model, files, {
          isAlone: this.#hooks.isAlone(),
          serverSecret: this.#hooks.serverSecret,
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
        if (heard.state.state === "ready") readyMs ??= performance.now();
        if (heard.state.state === "failed") {
          failure = heard.state;
          void server.stop(STOP_GRACE_MS);
        }
        const view = viewOfServer(heard.state, port);
        if (view !== undefined) this.#show(view);
      },
    });
    this.#process = server;
    const exit = await server.exited;
    if (exit.code === CONFIGURATION_EXIT_CODE) {
      failure ??= { reason: "BadConfiguration", message: "its server refused its configuration" };
    }
    const servedMs = readyMs === undefined ? 0 : performance.now() - readyMs;
    return { exit, servedMs, ...(failure !== undefined && { failure }) };
  }

  #show(view: ServerView): void {
    if (this.#stop.signal.aborted) return;
    this.#view = view;
    this.#hooks.onChange(this);
  }
}

function crashMessage(exit: Exit, crashes: number, delayMs: number): string {
  const row = crashes > 1 ? `, ${crashes} times in a row` : "";
  const delay = delayMs < 1000 ? "now" : `in ${formatDuration(delayMs)}`;
  return `its server ended unexpectedly (${describeExit(exit)}${row}); it starts again ${delay}`;
}
