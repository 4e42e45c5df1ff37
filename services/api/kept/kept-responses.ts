/**
 * Answers that are kept so that a client can go on with them: in this process's memory, each for its tenant alone.
 *
 * Bounded in number, in bytes and in time. Whoever holds most gives way first, oldest answers first, so that one key
 * cannot push out what another is in the middle of. An answer holds its own turn only and names the one before it; using
 * a conversation makes all of it young again.
 */
import { previousResponseNotFound } from "@localmodel/inference/refusals.ts";
import type { Link } from "../balancing/prompt-chain.ts";

export type KeptResponse = {
  readonly id: string;
  /** The one that it goes on with. */
  readonly previous?: string;
  /** What was asked: items as JSON, one after the other with commas between. */
  readonly input: Buffer;
  /** What was answered, in the same form. */
  readonly output: Buffer;
  /** The answer as the client got it. */
  readonly response: Buffer;
  /** Of the prompt, so that the next one finds its way to the same server. */
  readonly chain: readonly Link[];
};

type KeptLimits = {
  readonly maxCount: number;
  readonly maxBytes: number;
  /** Since its last use. */
  readonly lifetimeSeconds: number;
};

/** Of all that may be kept, for one. */
const SHARE_OF_ONE = 1 / 4;
/** What one costs beside its bytes. */
const OVERHEAD_BYTES = 4096;

type Entry = { readonly kept: KeptResponse; usedMs: number };

class Tenant {
  /** In the order of their last use. */
  readonly entries = new Map<string, Entry>();
  bytes = 0;
}

export class KeptResponses {
  readonly #limits: KeptLimits;
  readonly #now: () => number;
  readonly #tenants = new Map<string, Tenant>();

  constructor(limits: KeptLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get count(): number {
    return [...this.#tenants.values()].reduce((sum, { entries }) => sum + entries.size, 0);
  }

  get bytes(): number {
    return [...this.#tenants.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The most bytes that one may have. */
  get oneMaxBytes(): number {
    return Math.floor(this.#limits.maxBytes * SHARE_OF_ONE);
  }

  /** False for one that is too large. */
  keep(tenantName: string, kept: KeptResponse): boolean {
    if (bytesOf(kept) > this.oneMaxBytes) return false;
    const tenant = this.#tenants.get(tenantName) ?? new Tenant();
    this.#tenants.set(tenantName, tenant);
    tenant.entries.set(kept.id, { kept, usedMs: this.#now() });
    tenant.bytes += bytesOf(kept);
    this.#shrink();
    return true;
  }

  find(tenantName: string, id: string): KeptResponse | undefined {
    this.#expire();
    return this.#tenants.get(tenantName)?.entries.get(id)?.kept;
  }

  /** All turns up to this one, oldest first. Throws a 404 when one of them is not there any more. */
  conversation(tenantName: string, id: string): readonly KeptResponse[] {
    const turns: KeptResponse[] = [];
    for (let next: string | undefined = id; next !== undefined;) {
      const turn = this.find(tenantName, next);
      if (turn === undefined) throw previousResponseNotFound(next);
      turns.push(turn);
      next = turn.previous;
    }
    turns.reverse();
    for (const turn of turns) this.#use(tenantName, turn.id);
    return turns;
  }

  /** False when there is none. */
  delete(tenantName: string, id: string): boolean {
    if (this.find(tenantName, id) === undefined) return false;
    this.#remove(tenantName, id);
    return true;
  }

  #use(tenantName: string, id: string): void {
    const entries = this.#tenants.get(tenantName)?.entries;
    const entry = entries?.get(id);
    if (entries === undefined || entry === undefined) return;
    entry.usedMs = this.#now();
    entries.delete(id);
    entries.set(id, entry);
  }

  #expire(): void {
    const since = this.#now() - 1000 * this.#limits.lifetimeSeconds;
    for (const [name, { entries }] of this.#tenants) {
      for (const [id, { usedMs }] of entries) {
        if (usedMs > since) break;
        this.#remove(name, id);
      }
    }
  }

  #shrink(): void {
    this.#expire();
    const { maxBytes, maxCount } = this.#limits;
    while (this.bytes > maxBytes) this.#removeOldestOf((tenant) => tenant.bytes);
    while (this.count > maxCount) this.#removeOldestOf((tenant) => tenant.entries.size);
  }

  #removeOldestOf(measure: (tenant: Tenant) => number): void {
    const [name, tenant] = [...this.#tenants].reduce((most, one) =>
      measure(one[1]) > measure(most[1]) ? one : most,
    );
    const [oldest] = tenant.entries.keys();
    if (oldest !== undefined) this.#remove(name, oldest);
  }

  #remove(name: string, id: string): void {
    const tenant = this.#tenants.get(name);
    const entry = tenant?.entries.get(id);
    if (tenant === undefined || entry === undefined) return;
    tenant.entries.delete(id);
    tenant.bytes -= bytesOf(entry.kept);
    if (tenant.entries.size === 0) this.#tenants.delete(name);
  }
}

function bytesOf({ input, output, response }: KeptResponse): number {
  return OVERHEAD_BYTES + input.length + output.length + response.length;
}
