/**
 * What slots had to forget: states of sequences in ordinary memory, so that more conversations than slots keep their
 * beginnings.
 *
 * Each is found by the tokens that it stands for and by its owner. When there is no room, what was used longest ago goes
 * first; a conversation that went on takes the place of its own beginning.
 */
import { beginsWith, commonPrefix } from "./slot-choice.ts";

export type KeptState = {
  readonly owner: string;
  readonly tokens: readonly number[];
  readonly state: Uint8Array;
};

/** A token is a number in a list of them. */
const BYTES_PER_TOKEN = 8;

export class StateCache {
  readonly #maxBytes: number;
  /** The one used longest ago first. */
  readonly #kept = new Set<KeptState>();
  #bytes = 0;
  /** The most that a token of a state has taken. */
  #bytesPerToken = 0;

  /** 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the state of these tokens is worth saving: it would fit, as far as is known, and is not here yet. */
  wants(owner: string, tokens: readonly number[]): boolean {
    if (this.#maxBytes === 0 || tokens.length * this.#bytesPerToken > this.#maxBytes) return false;
    return ![...this.#kept].some((kept) => kept.owner === owner && beginsWith(kept.tokens, tokens));
  }

  keep(kept: KeptState): void {
    const bytes = bytesOf(kept);
    this.#bytesPerToken = Math.max(this.#bytesPerToken, bytes / Math.max(1, kept.tokens.length));
    if (bytes > this.#maxBytes) return;
    for (const other of this.#kept) {
      if (other.owner === kept.owner && beginsWith(kept.tokens, other.tokens)) this.#drop(other);
    }
    for (const other of this.#kept) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.#drop(other);
    }
    this.#kept.add(kept);
    this.#bytes += bytes;
  }

  /** The owner's own that have the most tokens in common with what is wanted first. */
  candidates(
    owner: string,
    wanted: readonly number[],
  ): readonly { readonly kept: KeptState; readonly length: number }[] {
    return [...this.#kept]
      .filter((kept) => kept.owner === owner)
      .map((kept) => ({ kept, length: commonPrefix(kept.tokens, wanted) }))
      .toSorted((a, b) => b.length - a.length);
  }

  /** The one used longest ago first. */
  all(): Iterable<KeptState> {
    return this.#kept;
  }

  used(kept: KeptState): void {
    if (this.#kept.delete(kept)) this.#kept.add(kept);
  }

  #drop(kept: KeptState): void {
    if (this.#kept.delete(kept)) this.#bytes -= bytesOf(kept);
  }
}

function bytesOf({ tokens, state }: KeptState): number {
  return state.byteLength + BYTES_PER_TOKEN * tokens.length;
}
