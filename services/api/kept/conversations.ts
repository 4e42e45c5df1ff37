/**
 * Answers in the memory of all replicas together: what this one does not have is asked for at the others.
 *
 * An answer is in one place only, so that deleting it there deletes it. The turns of one conversation may be in several.
 */
import { type AnswerStore, turnsByRuns } from "./answer-store.ts";
import type { KeptResponse, KeptResponses } from "./kept-responses.ts";
import type { Peers } from "./peers.ts";

export class Conversations implements AnswerStore {
  readonly outage = undefined;
  readonly #here: KeptResponses;
  readonly #peers: Peers | undefined;

  /** Without `peers` this is the only replica. */
  constructor(here: KeptResponses, peers?: Peers) {
    this.#here = here;
    this.#peers = peers;
  }

  get oneMaxBytes(): number {
    return this.#here.oneMaxBytes;
  }

  /** At once, in this replica. */
  keep(tenant: string, kept: KeptResponse): undefined {
    this.#here.keep(tenant, kept);
  }

  async find(tenant: string, id: string): Promise<KeptResponse | undefined> {
    return this.#here.find(tenant, id) ?? (await this.#peers?.find({ tenant, id }));
  }

  turnsUpTo(tenant: string, id: string, maxBytes: number): Promise<readonly KeptResponse[]> {
    return turnsByRuns(id, maxBytes, (next) => this.#run(tenant, next));
  }

  async turn(tenant: string, id: string): Promise<KeptResponse | undefined> {
    return this.#here.turn(tenant, id) ?? (await this.#peers?.turn({ tenant, id }));
  }

  async delete(tenant: string, id: string): Promise<boolean> {
    if (this.#here.delete(tenant, id)) return true;
    return (await this.#peers?.delete({ tenant, id })) ?? false;
  }

  async #run(tenant: string, id: string): Promise<readonly KeptResponse[]> {
    const here = this.#here.turnsUpTo(tenant, id);
    if (here.length > 0 || this.#peers === undefined) return here;
    return this.#peers.turnsUpTo({ tenant, id });
  }
}
