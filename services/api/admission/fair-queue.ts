/**
 * A queue that serves tenants in turns, however many requests each of them has in it.
 *
 * Within a tenant it is first come, first served. Leaving costs the same wherever one stands, because
 * clients hang up in the middle.
 */
export class FairQueue<Item> {
  /** In the order of their turns. */
  readonly #lines = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(tenant: string, item: Item): void {
    const line = this.#lines.get(tenant);
    if (line === undefined) this.#lines.set(tenant, new Set([item]));
    else line.add(item);
    this.#size += 1;
  }

  /** The first of the tenant whose turn it is. */
  shift(): Item | undefined {
    for (const [tenant, line] of this.#lines) {
      for (const item of line) {
        this.delete(tenant, item);
        // The others of this tenant wait until everybody else had a turn.
        if (this.#lines.delete(tenant)) this.#lines.set(tenant, line);
        return item;
      }
    }
    return undefined;
  }

  /** Does nothing when the item is not in it any more. */
  delete(tenant: string, item: Item): void {
    const line = this.#lines.get(tenant);
    if (line?.delete(item) !== true) return;
    this.#size -= 1;
    if (line.size === 0) this.#lines.delete(tenant);
  }

  /** How many will be served, at most, before the next one of this tenant that comes. */
  before(tenant: string): number {
    const own = this.#lines.get(tenant)?.size ?? 0;
    let others = 0;
    for (const [name, line] of this.#lines) {
      if (name !== tenant) others += Math.min(line.size, own + 1);
    }
    return own + others;
  }

  /** How many each tenant has in it. */
  *lengths(): Generator<readonly [tenant: string, length: number]> {
    for (const [tenant, { size }] of this.#lines) yield [tenant, size];
  }

  /** The one of this tenant that came last. */
  latest(tenant: string): Item | undefined {
    return [...(this.#lines.get(tenant) ?? [])].at(-1);
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const line of this.#lines.values()) yield* line;
  }
}
