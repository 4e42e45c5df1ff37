/**
 * Other installations of the operator that look after the same LocalModels.
 *
 * Both would apply what they want, each against the other, without end. So whoever looks after a LocalModel first writes
 * its name into the status, and nobody else touches that LocalModel while the lease under that name is held. Times in a
 * lease are not compared with a clock of this machine: it is held if it has changed since it was looked at.
 */
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import { LEASES, mayTake, see, type Sighting } from "@localmodel/kube/election/lease.ts";
import type { Log } from "@localmodel/kube/log.ts";
import { nameOf } from "@localmodel/kube/objects/objects.ts";
import type { Clock } from "@localmodel/kube/time/clock.ts";
import type { StoredModel } from "../model/local-model-resource.ts";

type Options = {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** The lease of this installation, `namespace/name`. Undefined: it has none, and claims nothing. */
  readonly own: string | undefined;
};

/** How long what has been seen of a lease may serve for all models of that installation. */
const LOOK_MS = 2000;

type Look = { readonly isHeld: boolean; readonly atMs: number };

export class Neighbours {
  readonly #options: Options;
  readonly #looks = new Map<string, Look>();
  readonly #sightings = new Map<string, Sighting>();
  readonly #told = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  get own(): string | undefined {
    return this.#options.own;
  }

  /** The installation to which the model is left. */
  async holderOf({ metadata, status }: StoredModel): Promise<string | undefined> {
    const { own, log } = this.#options;
    const holder = status?.operator;
    if (own === undefined || holder === undefined || holder === own) return undefined;
    if (!(await this.#isHeld(holder))) return undefined;
    const what = `${metadata.namespace}: ${holder}`;
    if (!this.#told.has(what)) {
      this.#told.add(what);
      log.error("another installation looks after these LocalModels, so this one does not", {
        namespace: metadata.namespace,
        installation: holder,
      });
    }
    return holder;
  }

  async #isHeld(lease: string): Promise<boolean> {
    const atMs = this.#options.clock.nowMs();
    const known = this.#looks.get(lease);
    if (known !== undefined && atMs - known.atMs < LOOK_MS) return known.isHeld;
    const isHeld = await this.#look(lease, atMs);
    this.#looks.set(lease, { isHeld, atMs });
    return isHeld;
  }

  async #look(name: string, nowMs: number): Promise<boolean> {
    try {
      const lease = await this.#options.client.get(LEASES, nameOf(name));
      if (lease === undefined) return false;
      const sighting = see(lease, this.#sightings.get(name), nowMs);
      this.#sightings.set(name, sighting);
      return !mayTake(sighting, this.#options.own ?? "", nowMs);
    } catch (error) {
      // Whoever may not look has to believe the status.
      if (error instanceof ApiStatusError && error.code === 403) return true;
      throw error;
    }
  }
}
