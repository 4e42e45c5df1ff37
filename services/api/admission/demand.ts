/**
 * Who is asked for, of the models that can sleep or have more servers when more is asked of them: what decides which of
 * them are in memory, and where.
 *
 * How many requests there are is counted anew in the waiting rooms whenever it is read, so nothing can be counted twice
 * or forgotten. Remembered is only what is over: when somebody asked last, and what he said about the time after.
 */
import { lackOf, type ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type { Demand, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { leavesAtMs } from "@localmodel/localmodel/contracts/stay.ts";
import { lookUp } from "../directory/find-model.ts";
import type { DemandSource, ModelDirectory } from "../directory/model-directory.ts";
import type { Admission } from "./admission.ts";
import { sleeps } from "./capacity.ts";

const NOBODY: Disposable = { [Symbol.dispose]: () => {} };

/** The reason of a model that nothing is wrong with. */
const ASLEEP = "Asleep";

type Times = Pick<ModelDemand, "lastAskedAtMs" | "lastCameAtMs">;

const NEVER: Times = { lastAskedAtMs: 0, lastCameAtMs: 0 };

type DemandOptions = {
  /** Requests that an endpoint has been sent and has not answered to the end. */
  readonly inFlight?: (endpoint: string) => number;
  /** Beginnings of prompts that it is likely to have cached. */
  readonly remembered?: (endpoint: string) => number;
  /** The time of day. */
  readonly now?: () => number;
};

export class DemandBook implements DemandSource {
  readonly #directory: ModelDirectory;
  readonly #admission: Pick<Admission, "inside" | "waiting">;
  readonly #inFlight: (endpoint: string) => number;
  readonly #remembered: (endpoint: string) => number;
  readonly #now: () => number;
  /** What the latest request for each server said. */
  readonly #keepAliveSeconds = new Map<string, number>();
  /** Requests that need no place, by the server that they are at. */
  readonly #visitors = new Map<string, number>();
  /** Servers that somebody wants who does not wait for them, and until when at most, by the time of day. */
  readonly #wanted = new Map<string, number>();
  /** Of the servers that sleep or scale. */
  readonly #times = new Map<string, Times>();

  constructor(
    directory: ModelDirectory,
    admission: Pick<Admission, "inside" | "waiting">,
    { inFlight = () => 0, remembered = () => 0, now = Date.now }: DemandOptions = {},
  ) {
    this.#directory = directory;
    this.#admission = admission;
    this.#inFlight = inFlight;
    this.#remembered = remembered;
    this.#now = now;
  }

  /** A request that needs no place is at its server, until it is disposed. */
  visit({ id, server }: DirectoryModel): Disposable {
    if (server === undefined) return NOBODY;
    this.#visitors.set(server, (this.#visitors.get(server) ?? 0) + 1);
    this.#directory.sleep?.changed(id);
    return {
      [Symbol.dispose]: () => {
        const others = (this.#visitors.get(server) ?? 1) - 1;
        if (others > 0) this.#visitors.set(server, others);
        else this.#visitors.delete(server);
        if (this.#times.has(server)) this.#asked(server, { hasCome: false });
        this.#directory.sleep?.changed(id);
      },
    };
  }

  /** A request has come, with its wish for the time after it; it is over when this is disposed. */
  ask(model: DirectoryModel, keepAliveSeconds: number | undefined): Disposable {
    const { id, server, scales = false } = model;
    const { sleep } = this.#directory;
    if (server === undefined || sleep === undefined) return NOBODY;
    if (sleeps(model)) this.#keep(model, server, keepAliveSeconds);
    if (!scales && !sleeps(model)) return NOBODY;
    this.#asked(server, { hasCome: true });
    sleep.changed(id, { isAwaited: model.endpoints.length === 0 });
    return {
      [Symbol.dispose]: () => {
        this.#asked(server, { hasCome: false });
        sleep.changed(id);
      },
    };
  }

  /**
   * Somebody who does not wait wants it: it is loaded as for one who does. Where a cluster has to make a pod, being asked
   * for is enough.
   */
  want(model: DirectoryModel): void {
    const { id, server, scales = false, unloads = false, activationTimeoutSeconds } = model;
    const { sleep } = this.#directory;
    if (server === undefined || sleep === undefined) return;
    if ((scales && !unloads) || activationTimeoutSeconds === undefined) return;
    const patienceMs = activationTimeoutSeconds * 1000;
    this.#wanted.set(server, this.#now() + patienceMs);
    sleep.changed(id);
    // What has not been loaded by then is not wanted any more, and that is told as well.
    setTimeout(() => sleep.changed(id), patienceMs + 1).unref();
  }

  /** When it leaves memory if nobody asks for it from now on; Infinity: never, undefined: not known. */
  leavesAtMs({ server, stay }: DirectoryModel): number | undefined {
    if (stay === undefined) return undefined;
    const isUsed = server !== undefined && this.#isUsed(server);
    const { lastAskedAtMs } = this.#times.get(server ?? "") ?? {};
    return leavesAtMs(stay, isUsed ? this.#now() : lastAskedAtMs);
  }

  #isUsed(server: string): boolean {
    const { models } = this.#directory.current();
    return (
      this.#visitors.has(server) ||
      models.some(
        ({ id, server: its }) =>
          its === server && this.#admission.inside(id) + this.#admission.waiting(id) > 0,
      )
    );
  }

  current(): Demand {
    const demand = new Map<string, Demand[string]>();
    for (const model of this.#directory.current().models) {
      const { server } = model;
      if (server === undefined || !sleeps(model)) continue;
      const one = this.#demandFor(model, server, demand.get(server));
      if (one !== undefined) demand.set(server, one);
    }
    return Object.fromEntries(demand);
  }

  /** Those that scale and have been asked for, or sleep in their pods. */
  models(): readonly ModelDemand[] {
    const asked = new Map<string, ModelDemand>();
    if (!this.#directory.known) return [];
    for (const model of this.#directory.current().models) {
      const { id, server, scales = false } = model;
      const times = server === undefined ? undefined : this.#times.get(server);
      if (!scales || server === undefined) continue;
      if (times === undefined && !isUnloaded(model)) continue;
      const one = asked.get(server) ?? this.#nothingFor(model, server, times ?? NEVER);
      one.inFlight += this.#admission.inside(id);
      one.queued += this.#admission.waiting(id);
      asked.set(server, one);
    }
    return [...asked.values()];
  }

  isAskedFor(id: string): boolean | undefined {
    if (!this.#directory.known) return undefined;
    const { server, scales = false } = lookUp(this.#directory.current(), id) ?? {};
    if (!scales || server === undefined) return undefined;
    const here = this.#admission.inside(id) + this.#admission.waiting(id);
    return here > 0 || this.#visitors.has(server);
  }

  isWaitedFor(id: string): boolean {
    if (!this.#directory.known) return false;
    const model = lookUp(this.#directory.current(), id);
    if (model?.server === undefined) return false;
    return this.#isWanted(model, model.server) || this.#admission.waiting(model.id) > 0;
  }

  #nothingFor(model: DirectoryModel, server: string, times: Times): ModelDemand {
    const [namespace = "", name = ""] = server.split("/");
    const servers = Object.entries(model.pods ?? {}).flatMap(([endpoint, pod]) => {
      const inFlight = this.#inFlight(endpoint);
      const remembered = this.#remembered(endpoint);
      return inFlight + remembered === 0
        ? []
        : [{ pod, inFlight, ...(remembered > 0 && { remembered }) }];
    });
    const inFlight = this.#visitors.get(server) ?? 0;
    const state = isUnloaded(model) ? { isUnloaded: true, ...lackIn(model) } : {};
    return { namespace, name, inFlight, queued: 0, ...times, ...state, servers };
  }

  #asked(server: string, { hasCome }: { readonly hasCome: boolean }): void {
    const nowMs = this.#now();
    const lastCameAtMs = hasCome ? nowMs : (this.#times.get(server)?.lastCameAtMs ?? nowMs);
    this.#times.set(server, { lastAskedAtMs: nowMs, lastCameAtMs });
  }

  #keep({ id }: DirectoryModel, server: string, keepAliveSeconds: number | undefined): void {
    if (this.#keepAliveSeconds.get(server) === keepAliveSeconds) return;
    if (keepAliveSeconds === undefined) this.#keepAliveSeconds.delete(server);
    else this.#keepAliveSeconds.set(server, keepAliveSeconds);
    this.#directory.sleep?.changed(id);
  }

  /** `others`: of those that are at the same server, as adapters are at that of their model. */
  #demandFor(
    model: DirectoryModel,
    server: string,
    others: Demand[string] | undefined,
  ): Demand[string] | undefined {
    const { id } = model;
    const keepAliveSeconds = this.#keepAliveSeconds.get(server);
    const isBusy = this.#admission.inside(id) > 0 || this.#visitors.has(server);
    const isWaiting = this.#isWanted(model, server) || this.#admission.waiting(id) > 0;
    if (!isBusy && !isWaiting && keepAliveSeconds === undefined) return others;
    return {
      isBusy: isBusy || others?.isBusy === true,
      isWaiting: isWaiting || others?.isWaiting === true,
      ...(keepAliveSeconds !== undefined && { keepAliveSeconds }),
    };
  }

  /** Until it is there, or cannot be. */
  #isWanted({ endpoints, state }: DirectoryModel, server: string): boolean {
    const untilMs = this.#wanted.get(server);
    if (untilMs === undefined) return false;
    if (endpoints.length === 0 && state !== "failed" && this.#now() < untilMs) return true;
    this.#wanted.delete(server);
    return false;
  }
}

function lackIn({ reason = ASLEEP, message }: DirectoryModel): Pick<ModelDemand, "lack"> {
  return reason === ASLEEP ? {} : { lack: lackOf(reason, message) };
}

/** Whether its pods are there, and all of them sleep. */
function isUnloaded({ state, sleepers = [] }: DirectoryModel): boolean {
  return state === "asleep" && sleepers.length > 0;
}
