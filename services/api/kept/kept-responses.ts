/**
 * Answers that are kept so that a client can go on with them: in this process's memory, each for its tenant alone.
 *
 * Bounded in number, in bytes and in time. Whoever holds most gives way first, oldest answers first, so that one key
 * cannot push out what another is in the middle of. An answer holds its own turn only and names the one before it; using
 * a conversation makes all of it young again.
 */
import { z } from "zod";
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
export const SHARE_OF_ONE = 1 / 4;
/** What one costs beside its bytes. */
const OVERHEAD_BYTES = 4096;
/** Enough turns at once. */
export const RUN_MIN_BYTES = 4 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

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

  /**
   * This turn and those before it, newest first, up to one that is not here or to a few megabytes: what was asked and
   * answered, without the answers' own form. They are young again.
   */
  turnsUpTo(tenantName: string, id: string): readonly KeptResponse[] {
    const turns = new Map<string, KeptResponse>();
    let bytes = 0;
    for (let next: string | undefined = id; next !== undefined && bytes < RUN_MIN_BYTES;) {
      const turn = this.find(tenantName, next);
      // A model server says what an answer is called: two of one name could go on with each other.
      if (turn === undefined || turns.has(next)) break;
      turns.set(next, { ...turn, response: EMPTY });
      bytes += turn.input.length + turn.output.length;
      next = turn.previous;
    }
    for (const turn of [...turns.keys()].toReversed()) this.#use(tenantName, turn);
    return [...turns.values()];
  }

  /** As `turnsUpTo` has it, without those before it. */
  turn(tenantName: string, id: string): KeptResponse | undefined {
    const turn = this.find(tenantName, id);
    this.#use(tenantName, id);
    return turn && { ...turn, response: EMPTY };
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

/** As it is told to others, in JSON. */
export const Chain = z.array(
  z.object({ hash: z.number(), bytes: z.number(), opens: z.literal(true).exactOptional() }),
);

const Wire = z.array(
  z.object({
    id: z.string(),
    previous: z.string().exactOptional(),
    input: z.string(),
    output: z.string(),
    response: z.string(),
    chain: Chain,
  }),
);

/** As replicas tell each other, in JSON. */
export function keptToWire(kept: readonly KeptResponse[]): z.infer<typeof Wire> {
  return kept.map(({ input, output, response, chain, ...one }) => ({
    ...one,
    input: input.toString(),
    output: output.toString(),
    response: response.toString(),
    chain: [...chain],
  }));
}

/** Throws at anything else. */
export function keptFromWire(value: unknown): readonly KeptResponse[] {
  return Wire.parse(value).map(({ input, output, response, ...one }) => ({
    ...one,
    input: Buffer.from(input),
    output: Buffer.from(output),
    response: Buffer.from(response),
  }));
}
