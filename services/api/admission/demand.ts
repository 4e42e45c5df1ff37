/**
 * Who is asked for, of the models that can sleep: what decides which of them are in memory.
 *
 * It is made anew from the waiting rooms whenever it is read, so nothing can be counted twice or forgotten.
 */
import type { Demand, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import type { Admission } from "./admission.ts";

const NOBODY: Disposable = { [Symbol.dispose]: () => {} };

export class DemandBook {
  readonly #directory: ModelDirectory;
  readonly #admission: Pick<Admission, "inside" | "waiting">;
  /** What the latest request for each server said. */
  readonly #keepAliveSeconds = new Map<string, number>();
  /** Requests that need no place, by the server that they are at. */
  readonly #visitors = new Map<string, number>();

  constructor(directory: ModelDirectory, admission: Pick<Admission, "inside" | "waiting">) {
    this.#directory = directory;
    this.#admission = admission;
  }

  /** A request that needs no place is at its server, until it is disposed. */
  visit({ server }: DirectoryModel): Disposable {
    if (server === undefined) return NOBODY;
    this.#visitors.set(server, (this.#visitors.get(server) ?? 0) + 1);
    this.#directory.sleep?.changed();
    return {
      [Symbol.dispose]: () => {
        const others = (this.#visitors.get(server) ?? 1) - 1;
        if (others > 0) this.#visitors.set(server, others);
        else this.#visitors.delete(server);
        this.#directory.sleep?.changed();
      },
    };
  }

  /** A request has come, with its wish for the time after it. */
  note(model: DirectoryModel, keepAliveSeconds: number | undefined): void {
    const { server } = model;
    if (server === undefined || !sleeps(model)) return;
    if (this.#keepAliveSeconds.get(server) === keepAliveSeconds) return;
    if (keepAliveSeconds === undefined) this.#keepAliveSeconds.delete(server);
    else this.#keepAliveSeconds.set(server, keepAliveSeconds);
    this.#directory.sleep?.changed();
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

  /** `others`: of those that are at the same server, as adapters are at that of their model. */
  #demandFor(
    { id }: DirectoryModel,
    server: string,
    others: Demand[string] | undefined,
  ): Demand[string] | undefined {
    const keepAliveSeconds = this.#keepAliveSeconds.get(server);
    const isBusy = this.#admission.inside(id) > 0 || this.#visitors.has(server);
    const isWaiting = this.#admission.waiting(id) > 0;
    if (!isBusy && !isWaiting && keepAliveSeconds === undefined) return others;
    return {
      isBusy: isBusy || others?.isBusy === true,
      isWaiting: isWaiting || others?.isWaiting === true,
      ...(keepAliveSeconds !== undefined && { keepAliveSeconds }),
    };
  }
}

export function sleeps({ activationTimeoutSeconds }: DirectoryModel): boolean {
  return activationTimeoutSeconds !== undefined;
}
