/**
 * The operator for one machine: makes what runs be what is desired.
 *
 * Level-triggered: whatever happens (a document changes, a server becomes ready or ends), the whole plan
 * is made again from what is. It only carries the plan out and tells the API service.
 */
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";
import type { DesiredModel } from "./desired/desired.ts";
import { directoryOf } from "./desired/directory.ts";
import { ModelRun, type RunHooks } from "./processes/model-run.ts";
import { plan } from "./desired/plan.ts";

export type SupervisorHooks = Omit<RunHooks, "onChange" | "isAlone"> & {
  readonly publish: (directory: Directory) => void;
  /** For people, at every change of a run; it may be replacing one that still serves. */
  readonly onChange: (run: ModelRun, isReplacing: boolean) => void;
};

export class Supervisor {
  readonly #hooks: SupervisorHooks;
  readonly #runs = new Map<number, ModelRun>();
  #desired: readonly DesiredModel[] = [];
  #published = "";
  #nextNumber = 1;
  #isScheduled = false;
  #isStopped = false;

  constructor(hooks: SupervisorHooks) {
    this.#hooks = hooks;
  }

  apply(desired: readonly DesiredModel[]): void {
    this.#desired = desired;
    this.#schedule();
  }

  /** Stops everything, and settles when nothing is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
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
    // The API service hears of an end before it comes, so that nothing is sent there any more.
    this.#publish([...this.#runs.values()].filter(isStaying));
    for (const number of stopped) void this.#stop(number);
  }

  /** Only this forgets a run: one that failed stays, so that it is not started again. */
  async #stop(number: number): Promise<void> {
    await this.#runs.get(number)?.stop();
    this.#runs.delete(number);
  }

  #start(model: DesiredModel): void {
    const number = this.#nextNumber++;
    const run = new ModelRun(number, model, {
      ...this.#hooks,
      isAlone: () => this.#desired.length <= 1,
      onChange: (changed) => {
        this.#hooks.onChange(changed, this.#isReplacing(changed));
        this.#schedule();
      },
    });
    this.#runs.set(number, run);
  }

  #isReplacing({ number, model }: ModelRun): boolean {
    return [...this.#runs.values()].some(
      (other) =>
        other.number !== number && other.model.key === model.key && other.status === "serving",
    );
  }

  #publish(runs: readonly ModelRun[]): void {
    const directory = directoryOf(runs);
    const text = JSON.stringify(directory);
    if (text === this.#published) return;
    this.#published = text;
    this.#hooks.publish(directory);
  }
}
