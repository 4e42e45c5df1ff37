/**
 * The operator for one machine: makes what runs be what is desired.
 *
 * Level-triggered: whatever happens (a document changes, a server becomes ready or ends), the whole plan
 * is made again from what is. It only carries the plan out and tells the API service.
 */
import type { Demand, Directory } from "@localmodel/localmodel/contracts/directory.ts";
import type { DesiredModel } from "./desired/desired.ts";
import { directoryOf } from "./desired/directory.ts";
import type { DeviceBudget } from "./processes/device-budget.ts";
import { ModelRun, type RunHooks } from "./processes/model-run.ts";
import { plan } from "./desired/plan.ts";
import type { Residence } from "./desired/residence.ts";
import type { ServerView } from "./desired/server-view.ts";
import { Residency } from "./residency.ts";

/** How long a model that is in use is left alone while requests wait for one that needs its memory. */
const TURN_MS = 10_000;
/** The longest that a timer takes. */
const ALARM_MAX_MS = 2 ** 31 - 1;

export type SupervisorHooks = Omit<RunHooks, "onChange" | "isAlone"> & {
  readonly deviceBudget: DeviceBudget;
  /** Returns the number by which the API service will say that it goes by it. */
  readonly publish: (directory: Directory) => number;
  /** For people, at every change of what is told of a run; it may be replacing one that still serves. */
  readonly onChange: (run: ModelRun, view: ServerView, isReplacing: boolean) => void;
};

export class Supervisor {
  readonly #hooks: SupervisorHooks;
  readonly #runs = new Map<number, ModelRun>();
  #desired: readonly DesiredModel[] = [];
  #published = "";
  #nextNumber = 1;
  #isScheduled = false;
  #isStopped = false;
  readonly #residency: Residency;
  #alarm: NodeJS.Timeout | undefined;

  constructor(hooks: SupervisorHooks) {
    this.#hooks = hooks;
    const { memoryBytes: ramBytes, deviceBudget } = hooks;
    const budget = () => ({ ramBytes, deviceBytes: deviceBudget.bytes });
    this.#residency = new Residency({ budget, turnMs: TURN_MS });
  }

  /** Who is asked for, as the API service says. */
  demand(demand: Demand, directory: number): void {
    this.#residency.demand(demand, directory);
    this.#schedule();
  }

  /** Takes the model of that key out of memory when nobody uses it. */
  unload(key: string): void {
    this.#residency.unload(key);
    this.#schedule();
  }

  apply(desired: readonly DesiredModel[]): void {
    this.#desired = desired;
    this.#schedule();
  }

  /** Stops everything, and settles when nothing is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#alarm);
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
  }

  /** Not at once, so that changes in a row, and those the plan itself makes, are one change. */
  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#reconcile();
    });
  }

  #reconcile(): void {
    const running = [...this.#runs.values()].map(({ number, model, status }) => {
      const { key, revision } = model;
      return { number, key, revision, status };
    });
    const actions = plan(this.#desired, running);
    for (const action of actions) {
      if (action.type === "start") this.#start(action.model);
    }
    const stopped = actions.flatMap((action) => (action.type === "stop" ? [action.number] : []));
    const isStaying = (run: ModelRun): boolean =>
      run.status !== "stopping" && !stopped.includes(run.number);
    const residence = this.#residency.decide();
    const slept = this.#carryOut(residence);
    // The API service hears of an end before it comes, so that nothing is sent there any more.
    this.#publish([...this.#runs.values()].filter(isStaying));
    for (const number of stopped) void this.#stop(number);
    for (const run of slept) run.sleep();
    this.#askAgainAt(residence.againAtMs);
  }

  /** Those that are to leave memory now. */
  #carryOut({ moves }: Residence): readonly ModelRun[] {
    const slept: ModelRun[] = [];
    for (const { type, number } of moves) {
      const run = this.#runs.get(number);
      if (run === undefined) continue;
      if (type === "load") run.wake();
      else if (type === "close") this.#residency.close(run);
      else if (type === "reopen") this.#residency.reopen(run);
      else slept.push(run);
    }
    return slept;
  }

  #askAgainAt(atMs: number): void {
    clearTimeout(this.#alarm);
    if (atMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, atMs - performance.now()), ALARM_MAX_MS);
    this.#alarm = setTimeout(() => this.#schedule(), Math.ceil(delayMs));
  }

  /** Only this forgets a run: one that failed stays, so that it is not started again. */
  async #stop(number: number): Promise<void> {
    const run = this.#runs.get(number);
    if (run === undefined) return;
    await run.stop();
    this.#runs.delete(number);
    this.#residency.forget(run);
    // Its memory may be what another waits for.
    this.#schedule();
  }

  #start(model: DesiredModel): void {
    const number = this.#nextNumber++;
    const run = new ModelRun(number, model, {
      ...this.#hooks,
      isAlone: () => this.#desired.length <= 1,
      onChange: (changed) => {
        this.#hooks.onChange(changed, changed.view, this.#isReplacing(changed));
        this.#schedule();
      },
    });
    this.#runs.set(number, run);
    this.#residency.add(run);
  }

  #isReplacing({ number, model }: ModelRun): boolean {
    return [...this.#runs.values()].some(
      (other) =>
        other.number !== number && other.model.key === model.key && other.status === "serving",
    );
  }

  #publish(runs: readonly ModelRun[]): void {
    const viewed = runs.map((run) => ({
      run,
      model: run.model,
      view: this.#residency.viewOf(run),
      stay: this.#residency.stayOf(run),
    }));
    const directory = directoryOf(viewed);
    const text = JSON.stringify(directory, withoutUse);
    if (text === this.#published) return;
    this.#published = text;
    // That it can never fit, it does not know itself.
    for (const { run, view } of viewed) {
      if (view.state === "failed") this.#hooks.onChange(run, view, this.#isReplacing(run));
    }
    this.#residency.published(this.#hooks.publish(directory));
  }
}

/** When a model was last used, the API service knows first: it is told with everything else, and is no news by itself. */
function withoutUse(field: string, value: unknown): unknown {
  return field === "usedAtMs" ? undefined : value;
}
