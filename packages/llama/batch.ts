/**
 * Tokens to evaluate together, in native memory that is made once and used for every step.
 *
 * llama.cpp evaluates tokens of several sequences as one only when their sequences' numbers ascend in the batch; and
 * what it is given it believes, so nothing is taken here that is not a token, a position or a sequence.
 */
import type { llama_batch } from "./generated/structures.ts";
import { OwnershipError } from "./native/errors.ts";
import { NativeMemory } from "./native/memory.ts";

export type BatchLimits = {
  /** Tokens that it holds. */
  readonly tokens: number;
  /** Sequences that one token may belong to, for a beginning that several share. Default 1. */
  readonly sequencesPerToken?: number;
};

/** What the numbers in it must stay below. */
export type BatchBounds = { readonly vocabulary: number; readonly sequences: number };

/** Whoever made it, and frees it if nobody else does. */
export type BatchOwner = { readonly release: (batch: Batch) => void };

export class Batch implements Disposable {
  readonly capacity: number;
  readonly #bounds: BatchBounds;
  readonly #owner: BatchOwner;
  readonly #perToken: number;
  readonly #memory: NativeMemory;
  readonly #native: llama_batch;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #counts: Int32Array;
  readonly #ids: Int32Array;
  readonly #outputs: Int8Array;
  #size = 0;
  #running = false;

  constructor(
    { tokens, sequencesPerToken = 1 }: BatchLimits,
    bounds: BatchBounds,
    owner: BatchOwner,
  ) {
    this.#owner = owner;
    this.capacity = tokens;
    this.#bounds = bounds;
    this.#perToken = sequencesPerToken;
    const words = 4 * tokens;
    const pointers = 8 * tokens;
    const memory = new NativeMemory(pointers + (3 + sequencesPerToken) * words + tokens);
    const at = (blocks: number): number => pointers + blocks * words;
    this.#memory = memory;
    this.#tokens = memory.int32(at(0), tokens);
    this.#positions = memory.int32(at(1), tokens);
    this.#counts = memory.int32(at(2), tokens);
    this.#ids = memory.int32(at(3), tokens * sequencesPerToken);
    this.#outputs = memory.int8(at(3 + sequencesPerToken), tokens);
    const { address } = memory;
    const idsOf = memory.uint64(0, tokens);
    for (let index = 0; index < tokens; index += 1) {
      idsOf[index] = address + BigInt(at(3) + 4 * index * sequencesPerToken);
    }
    this.#native = {
      n_tokens: 0,
      token: address + BigInt(at(0)),
      embd: null,
      pos: address + BigInt(at(1)),
      n_seq_id: address + BigInt(at(2)),
      seq_id: address,
      logits: address + BigInt(at(3 + sequencesPerToken)),
    };
  }

  get size(): number {
    return this.#size;
  }

  get room(): number {
    return this.capacity - this.#size;
  }

  clear(): void {
    this.#assertMine();
    this.#size = 0;
  }

  /**
   * Returns the index under which the token's outputs are found, if it has any.
   *
   * @throws RangeError when there is no room, or a number is none of the model's or the context's
   */
  add(
    token: number,
    position: number,
    sequences: number | readonly number[],
    output: boolean,
  ): number {
    this.#assertMine();
    const index = this.#size;
    if (index >= this.capacity)
      throw new RangeError(`The batch is full: it holds ${this.capacity}`);
    within("token", token, this.#bounds.vocabulary);
    within("position", position, 2 ** 31 - 1);
    const ids = typeof sequences === "number" ? [sequences] : sequences;
    if (ids.length === 0 || ids.length > this.#perToken) {
      throw new RangeError(
        `A token here belongs to 1 to ${this.#perToken} sequences, not ${ids.length}`,
      );
    }
    for (const id of ids) within("sequence", id, this.#bounds.sequences);
    this.#tokens[index] = token;
    this.#positions[index] = position;
    this.#counts[index] = ids.length;
    this.#ids.set(ids, index * this.#perToken);
    this.#outputs[index] = output ? 1 : 0;
    this.#size = index + 1;
    return index;
  }

  /** Indexes of the tokens that have outputs. */
  outputs(): readonly number[] {
    const found: number[] = [];
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#outputs[index] === 1) found.push(index);
    }
    return found;
  }

  /** While `work` runs, C reads the batch: it can be neither changed nor freed. */
  async lend<Result>(work: (batch: llama_batch) => Promise<Result>): Promise<Result> {
    this.#assertMine();
    this.#running = true;
    try {
      return await work({ ...this.#native, n_tokens: this.#size });
    } finally {
      this.#running = false;
    }
  }

  [Symbol.dispose](): void {
    if (this.#running)
      throw new OwnershipError("The batch cannot be freed now: it is being evaluated");
    this.#memory[Symbol.dispose]();
    this.#owner.release(this);
  }

  #assertMine(): void {
    if (this.#running) throw new OwnershipError("The batch is being evaluated");
    void this.#memory.address;
  }
}

function within(what: string, value: number, bound: number): void {
  if (Number.isInteger(value) && value >= 0 && value < bound) return;
  throw new RangeError(`${value} is no ${what}: they go from 0 to ${bound - 1}`);
}
