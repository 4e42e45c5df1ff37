/**
 * Has a server load whose weights are not in memory, while somebody waits for its model: one at a time, so that a model is
 * woken once however many wait.
 *
 * All replicas of this service choose the same one. Whoever else is to know who is asked for is told as before.
 */
import { type Clock, systemClock } from "@localmodel/kube/time/clock.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { DemandSource, SleepSeam } from "../model-directory.ts";

/** After one that could not be woken. */
const PAUSE_MS = 1000;

type WakerOptions = {
  /** Undefined for one that is not there. */
  readonly find: (id: string) => DirectoryModel | undefined;
  /** Resolves once the server at the URL has its weights in memory. */
  readonly load: (url: string, server: string, signal: AbortSignal) => Promise<void>;
  /** Who else is to be told. */
  readonly next: SleepSeam | undefined;
  readonly clock?: Clock;
};

export class Waker implements SleepSeam, Disposable {
  readonly #options: WakerOptions;
  readonly #stop = new AbortController();
  /** LocalModels of which a server is being woken, or could not be. */
  readonly #waking = new Set<string>();
  /** In a row, in vain. */
  readonly #failures = new Map<string, number>();
  #demand: DemandSource | undefined;

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  watch(demand: DemandSource): void {
    this.#demand = demand;
    this.#options.next?.watch(demand);
  }

  changed(id: string, how?: { readonly isAwaited: boolean }): void {
    this.#options.next?.changed(id, how);
    const model = this.#options.find(id);
    if (model?.server === undefined || model.unloads !== true) return;
    // Asked also while it is awake: what was wanted has come then.
    const isWaitedFor = this.#demand?.isWaitedFor(id) === true;
    if (!isWaitedFor || this.#waking.has(model.server)) return;
    const url = serverToWake(model, this.#failures.get(model.server));
    if (url !== undefined) void this.#wake(url, model.server);
  }

  unload(model: DirectoryModel): void {
    this.#options.next?.unload(model);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #wake(url: string, server: string): Promise<void> {
    const { load, clock = systemClock } = this.#options;
    this.#waking.add(server);
    try {
      await load(url, server, this.#stop.signal);
      this.#waking.delete(server);
      this.#failures.delete(server);
    } catch {
      this.#failures.set(server, (this.#failures.get(server) ?? 0) + 1);
      // While somebody waits he is looked at again and again.
      if (!this.#stop.signal.aborted) clock.schedule(PAUSE_MS, () => this.#waking.delete(server));
    }
  }
}

/** Undefined where one is on its way. After a failure it is another one's turn. */
function serverToWake({ sleepers = [], state }: DirectoryModel, failures = 0): string | undefined {
  return state === "loading" ? undefined : sleepers.toSorted()[failures % sleepers.length];
}
