/**
 * Has a server load whose weights are not in memory, while somebody waits for its model: one at a time, so that a model is
 * woken once however many wait. Where others hold its device, one of them that is idle is asked to make room, and it is tried
 * again.
 *
 * All replicas of this service choose the same one. Whoever else is to know who is asked for is told as before.
 */
import { type Clock, systemClock } from "@localmodel/kube/time/clock.ts";
import type { ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { DemandSource, SleepSeam } from "../model-directory.ts";
import type { Server } from "./neighbour.ts";

/** After one that could not be woken. */
const PAUSE_MS = 1000;
/** After a neighbour has been asked to make room: until its engine has ended. */
const ROOM_PAUSE_MS = 3000;

type WakerOptions = {
  /** Undefined for one that is not there. */
  readonly find: (id: string) => DirectoryModel | undefined;
  /** Resolves once the server at the URL has its weights in memory. */
  readonly load: (server: Server, signal: AbortSignal) => Promise<void>;
  /** Asks it to leave memory as soon as nobody uses it. */
  readonly unload: (server: Server, signal: AbortSignal) => Promise<void>;
  /** Who may make room for a server that lacks some; `asked` are the URLs of those that were asked to already. */
  readonly neighbourOf: (
    server: Server,
    demand: readonly ModelDemand[],
    asked: ReadonlySet<string>,
  ) => Server | undefined;
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
  /** URLs of those that were asked to make room for a LocalModel, since it was awake. */
  readonly #asked = new Map<string, Set<string>>();
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
    if (url !== undefined) void this.#wake({ url, server: model.server });
  }

  unload(model: DirectoryModel): void {
    this.#options.next?.unload(model);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #wake(sleeper: Server): Promise<void> {
    const { load, clock = systemClock } = this.#options;
    const { server } = sleeper;
    this.#waking.add(server);
    try {
      await load(sleeper, this.#stop.signal);
      this.#waking.delete(server);
      this.#failures.delete(server);
      this.#asked.delete(server);
    } catch {
      const makesRoom = await this.#makeRoom(sleeper).catch(() => false);
      if (!makesRoom) this.#failures.set(server, (this.#failures.get(server) ?? 0) + 1);
      // While somebody waits he is looked at again and again.
      if (!this.#stop.signal.aborted)
        clock.schedule(makesRoom ? ROOM_PAUSE_MS : PAUSE_MS, () => this.#waking.delete(server));
    }
  }

  /** Whether somebody does. Each neighbour is asked once, and all of them again when none is left. */
  async #makeRoom(sleeper: Server): Promise<boolean> {
    const { neighbourOf, unload } = this.#options;
    const asked = this.#asked.get(sleeper.server) ?? new Set();
    this.#asked.set(sleeper.server, asked);
    const neighbour = neighbourOf(sleeper, this.#demand?.models() ?? [], asked);
    if (neighbour === undefined) {
      asked.clear();
      return false;
    }
    asked.add(neighbour.url);
    await unload(neighbour, this.#stop.signal);
    return true;
  }
}

/** Undefined where one is on its way. After a failure it is another one's turn. */
function serverToWake({ sleepers = [], state }: DirectoryModel, failures = 0): string | undefined {
  return state === "loading" ? undefined : sleepers.toSorted()[failures % sleepers.length];
}
