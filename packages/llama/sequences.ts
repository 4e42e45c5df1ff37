/**
 * What a context remembers of its sequences, and changes of it: positions `[from, to)` of one sequence, to its end
 * where `to` is left out.
 */
import { LlamaError } from "./native/errors.ts";
import type { Native } from "./native/native.ts";
import type { Pointer } from "./pointer.ts";

const END = -1;

export class Sequences {
  /** False for models that only encode. */
  readonly remembers: boolean;
  readonly #native: Native;
  readonly #count: number;
  readonly #unified: boolean;
  readonly #context: () => Pointer<"llama_context">;

  constructor(
    native: Native,
    { count, unified }: { readonly count: number; readonly unified: boolean },
    context: () => Pointer<"llama_context">,
  ) {
    this.#native = native;
    this.#count = count;
    this.#unified = unified;
    this.#context = context;
    this.remembers = native.call.llama_get_memory(context()) !== null;
  }

  /** @throws RangeError for a number that is no sequence of the context's */
  check(sequence: number): number {
    if (Number.isInteger(sequence) && sequence >= 0 && sequence < this.#count) return sequence;
    throw new RangeError(`There is no sequence ${sequence}: the context has ${this.#count}`);
  }

  /**
   * False when it cannot be cut there, as with recurrent models and windows: then nothing was removed, and removing
   * all of the sequence is what works.
   */
  remove(sequence: number, from = 0, to = END): boolean {
    const id = this.check(sequence);
    return this.#native.call.llama_memory_seq_rm(this.#memory, id, from, to);
  }

  /**
   * What `source` remembers, for `target` too. In one cache for all, beside what `target` has, and nothing is moved.
   * Otherwise in its place, in the next evaluation, and only all of it.
   *
   * @throws RangeError for a part, without a unified cache: llama.cpp would end the process
   */
  copy(source: number, target: number, from = 0, to = END): void {
    const [one, other] = [this.check(source), this.check(target)];
    if (!this.#unified && (from > 0 || to !== END)) {
      throw new RangeError("Without a unified cache a sequence can only be copied as a whole");
    }
    this.#native.call.llama_memory_seq_cp(this.#memory, one, other, from, to);
  }

  /** Removes all other sequences. */
  keep(sequence: number): void {
    this.check(sequence);
    // llama.cpp's own function looks only at sequences in the same cache.
    for (let other = 0; other < this.#count; other += 1) {
      if (other !== sequence) this.remove(other);
    }
  }

  /** Moves positions, for a sequence from which something was cut. @throws LlamaError where positions are fixed */
  shift(sequence: number, delta: number, from = 0, to = END): void {
    this.#assertShifts();
    const id = this.check(sequence);
    this.#native.call.llama_memory_seq_add(this.#memory, id, from, to, delta);
  }

  /** Divides positions. @throws LlamaError where positions are fixed */
  divide(sequence: number, divisor: number, from = 0, to = END): void {
    this.#assertShifts();
    if (!Number.isInteger(divisor) || divisor < 1)
      throw new RangeError(`Positions are divided by a whole number from 1, not by ${divisor}`);
    const id = this.check(sequence);
    this.#native.call.llama_memory_seq_div(this.#memory, id, from, to, divisor);
  }

  /** First and last position; undefined when nothing is remembered. The first is not 0 where a window moved on. */
  range(sequence: number): { readonly first: number; readonly last: number } | undefined {
    const id = this.check(sequence);
    const memory = this.#memory;
    const last = this.#native.call.llama_memory_seq_pos_max(memory, id);
    if (last < 0) return undefined;
    return { first: this.#native.call.llama_memory_seq_pos_min(memory, id), last };
  }

  get canShift(): boolean {
    return this.#native.call.llama_memory_can_shift(this.#memory);
  }

  /** Forgets all sequences. */
  clear(): void {
    this.#native.call.llama_memory_clear(this.#memory, false);
  }

  #assertShifts(): void {
    if (!this.canShift) throw new LlamaError("Positions of this model cannot be moved");
  }

  get #memory(): Pointer<"llama_memory_i"> {
    const memory = this.#native.call.llama_get_memory(this.#context());
    if (memory === null) throw new LlamaError("A model that only encodes remembers nothing");
    return memory;
  }
}
