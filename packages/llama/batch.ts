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
  /** Holds vectors in place of tokens, as what looks at pictures makes them. Default false. */
  readonly vectors?: boolean;
  /** Vectors with places in a plane, as models with M-RoPE want them. Default false. */
  readonly planar?: boolean;
};

/** Where a vector is: for models with M-RoPE time, height and width apart. */
export type Place = number | readonly [time: number, height: number, width: number];

/** llama.cpp has a fourth, which nothing uses yet. */
const PLANAR_NUMBERS = 4;

/** What the numbers in it must stay below. */
type BatchBounds = {
  readonly vocabulary: number;
  readonly sequences: number;
  /** Of a vector in place of a token. */
  readonly dimensions: number;
};

/** Whoever made it, and frees it if nobody else does. */
type BatchOwner = { readonly release: (batch: Batch) => void };

export class Batch implements Disposable {
  readonly capacity: number;
  readonly #bounds: BatchBounds;
  readonly #owner: BatchOwner;
  readonly #perToken: number;
  readonly #memory: NativeMemory;
  readonly #native: llama_batch;
  readonly #tokens: Int32Array;
  readonly #vectors: Float32Array;
  readonly #positions: Int32Array;
  /** Of a batch with places in a plane, row by row; C wants all times first, then all heights, and so on. */
  readonly #places: Int32Array;
  readonly #counts: Int32Array;
  readonly #ids: Int32Array;
  readonly #outputs: Int8Array;
  #size = 0;
  #running = false;

  constructor(limits: BatchLimits, bounds: BatchBounds, owner: BatchOwner) {
    const { tokens, sequencesPerToken = 1, vectors = false, planar = false } = limits;
    this.capacity = tokens;
    this.#owner = owner;
    this.#bounds = bounds;
    this.#perToken = sequencesPerToken;
    const { at, bytes } = blocksOf(limits, bounds.dimensions);
    const memory = new NativeMemory(bytes);
    this.#memory = memory;
    this.#tokens = memory.int32(at.tokens, vectors ? 0 : tokens);
    this.#vectors = memory.float32(at.vectors, vectors ? tokens * bounds.dimensions : 0);
    const numbers = planar ? PLANAR_NUMBERS * tokens : tokens;
    this.#positions = memory.int32(at.positions, numbers);
    this.#places = new Int32Array(planar ? numbers : 0);
    this.#counts = memory.int32(at.counts, tokens);
    this.#ids = memory.int32(at.ids, tokens * sequencesPerToken);
    this.#outputs = memory.int8(at.outputs, tokens);
    const address = (offset: number): bigint => memory.address + BigInt(offset);
    const idsOf = memory.uint64(at.pointers, tokens);
    for (let index = 0; index < tokens; index += 1) {
      idsOf[index] = address(at.ids + 4 * index * sequencesPerToken);
    }
    this.#native = {
      n_tokens: 0,
      token: vectors ? null : address(at.tokens),
      embd: vectors ? address(at.vectors) : null,
      pos: address(at.positions),
      n_seq_id: address(at.counts),
      seq_id: address(at.pointers),
      logits: address(at.outputs),
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
    if (this.#tokens.length === 0) throw new RangeError("This batch holds vectors, not tokens");
    within("token", token, this.#bounds.vocabulary);
    const index = this.#place(position, sequences, output);
    this.#tokens[index] = token;
    return index;
  }

  /** The same with a vector in place of a token. It is copied. */
  addVector(
    vector: Float32Array,
    place: Place,
    sequences: number | readonly number[],
    output: boolean,
  ): number {
    const { dimensions } = this.#bounds;
    if (this.#vectors.length === 0) throw new RangeError("This batch holds tokens, not vectors");
    if (vector.length !== dimensions) {
      throw new RangeError(`A vector has ${dimensions} numbers here, not ${vector.length}`);
    }
    const [time, height = time, width = time] = typeof place === "number" ? [place] : place;
    const index = this.#place(time, sequences, output);
    this.#vectors.set(vector, index * dimensions);
    if (this.#places.length > 0) this.#places.set([time, height, width, 0], index * PLANAR_NUMBERS);
    return index;
  }

  #place(position: number, sequences: number | readonly number[], output: boolean): number {
    this.#assertMine();
    const index = this.#size;
    if (index >= this.capacity)
      throw new RangeError(`The batch is full: it holds ${this.capacity}`);
    within("position", position, 2 ** 31 - 1);
    const ids = typeof sequences === "number" ? [sequences] : sequences;
    if (ids.length === 0 || ids.length > this.#perToken) {
      throw new RangeError(
        `A token here belongs to 1 to ${this.#perToken} sequences, not ${ids.length}`,
      );
    }
    for (const id of ids) within("sequence", id, this.#bounds.sequences);
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
    this.#arrange();
    try {
      return await work({ ...this.#native, n_tokens: this.#size });
    } finally {
      this.#running = false;
    }
  }

  #arrange(): void {
    for (const [at, number] of this.#places.subarray(0, this.#size * PLANAR_NUMBERS).entries()) {
      const row = Math.floor(at / PLANAR_NUMBERS);
      this.#positions[(at % PLANAR_NUMBERS) * this.#size + row] = number;
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

/** Where the parts of a batch are in its memory. Longest items first, so that each block is aligned. */
function blocksOf(
  { tokens, sequencesPerToken = 1, vectors = false, planar = false }: BatchLimits,
  dimensions: number,
) {
  let bytes = 0;
  const block = (itemBytes: number): number => {
    const start = bytes;
    bytes += itemBytes * tokens;
    return start;
  };
  const at = {
    pointers: block(8),
    tokens: block(vectors ? 0 : 4),
    vectors: block(vectors ? 4 * dimensions : 0),
    positions: block(planar ? 4 * PLANAR_NUMBERS : 4),
    counts: block(4),
    ids: block(4 * sequencesPerToken),
    outputs: block(1),
  };
  return { at, bytes };
}

function within(what: string, value: number, bound: number): void {
  if (Number.isInteger(value) && value >= 0 && value < bound) return;
  throw new RangeError(`There is no ${what} ${value}: they go from 0 to ${bound - 1}`);
}
