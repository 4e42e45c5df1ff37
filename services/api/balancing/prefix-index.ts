/**
 * Which endpoints have lately seen which beginnings of prompts.
 *
 * A guess about their caches, not knowledge: a slot may have been reused since. A wrong guess costs nothing,
 * because only endpoints with room are considered. Bounded; the beginnings not seen for longest go first.
 */
import type { Link } from "./prompt-chain.ts";

const LINKS_MAX = 65_536;
/** A beginning that everybody shares need not be known to more endpoints than this. */
const ENDPOINTS_MAX = 32;
/** A shorter common beginning, such as a one-line system prompt, is evaluated as fast as it is found. */
const WORTHWHILE_BYTES = 128;

export class PrefixIndex {
  /** In the order of their last use. */
  readonly #seenBy = new Map<number, readonly string[]>();
  /** How many beginnings each endpoint has seen. */
  readonly #counts = new Map<string, number>();

  countOf(endpoint: string): number {
    return this.#counts.get(endpoint) ?? 0;
  }

  /** The endpoint gets this prompt. */
  add(chain: readonly Link[], endpoint: string): void {
    for (const { hash } of chain) {
      const known = this.#seenBy.get(hash) ?? [];
      this.#seenBy.delete(hash);
      const others =
        known[0] === endpoint ? known.slice(1) : known.filter((one) => one !== endpoint);
      const seenBy = [endpoint, ...others.slice(0, ENDPOINTS_MAX - 1)];
      this.#seenBy.set(hash, seenBy);
      if (others.length === known.length) this.#count(endpoint, 1);
      for (const forgotten of others.slice(ENDPOINTS_MAX - 1)) this.#count(forgotten, -1);
    }
    for (const [oldest, seenBy] of this.#seenBy) {
      if (this.#seenBy.size <= LINKS_MAX) break;
      this.#seenBy.delete(oldest);
      for (const one of seenBy) this.#count(one, -1);
    }
  }

  /** Bytes of the longest beginning that each endpoint has seen; who has seen none is left out. */
  sharedBytes(chain: readonly Link[]): ReadonlyMap<string, number> {
    const shared = new Map<string, number>();
    for (const { hash, bytes } of chain.toReversed()) {
      if (bytes < WORTHWHILE_BYTES) break;
      for (const endpoint of this.#seenBy.get(hash) ?? []) {
        if (!shared.has(endpoint)) shared.set(endpoint, bytes);
      }
    }
    return shared;
  }

  #count(endpoint: string, more: number): void {
    const count = this.countOf(endpoint) + more;
    if (count > 0) this.#counts.set(endpoint, count);
    else this.#counts.delete(endpoint);
  }
}
