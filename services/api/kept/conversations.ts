/**
 * What is kept by all replicas together: what this one does not have is asked for at the others.
 *
 * An answer is in one place only, so that deleting it there deletes it. The turns of one conversation may be in several.
 */
import { previousResponseNotFound, requestTooLarge } from "@localmodel/inference/refusals.ts";
import type { KeptResponse, KeptResponses } from "./kept-responses.ts";
import type { Peers } from "./peers.ts";

export class Conversations {
  readonly #here: KeptResponses;
  readonly #peers: Peers | undefined;

  /** Without `peers` this is the only replica. */
  constructor(here: KeptResponses, peers?: Peers) {
    this.#here = here;
    this.#peers = peers;
  }

  /** The most bytes that one may have. */
  get oneMaxBytes(): number {
    return this.#here.oneMaxBytes;
  }

  /** At once, in this replica. */
  keep(tenant: string, kept: KeptResponse): void {
    this.#here.keep(tenant, kept);
  }

  async find(tenant: string, id: string): Promise<KeptResponse | undefined> {
    return this.#here.find(tenant, id) ?? (await this.#peers?.find({ tenant, id }));
  }

  /**
   * All turns up to this one, oldest first. Throws a 404 when one of them is not there any more, and a 413 when what was
   * asked and answered in them is more than `maxBytes`.
   */
  async turnsUpTo(tenant: string, id: string, maxBytes: number): Promise<readonly KeptResponse[]> {
    const turns = new Map<string, KeptResponse>();
    let bytes = 0;
    for (let next: string | undefined = id; next !== undefined;) {
      const run = await this.#run(tenant, next);
      if (run.length === 0 || run.some((turn) => turns.has(turn.id))) {
        throw previousResponseNotFound(next);
      }
      for (const turn of run) {
        turns.set(turn.id, turn);
        bytes += turn.input.length + turn.output.length;
      }
      if (bytes > maxBytes) throw requestTooLarge(maxBytes);
      next = run.at(-1)?.previous;
    }
    return [...turns.values()].toReversed();
  }

  /** Whether there was one. */
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
