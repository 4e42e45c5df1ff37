/** Tokens to choose from, in the form in which samplers take them: native memory, made once and filled for each choice. */
import { readStructure, structureBytes, writeStructure } from "../native/native.ts";
import { NativeMemory, Views } from "../native/memory.ts";

/** `llama_token_data`: an id, a logit, a probability. */
const WORDS = 3;

type Candidate = {
  readonly token: number;
  readonly logit: number;
  /** 0 until a stage computes it. */
  readonly probability: number;
};

export class Candidates implements Disposable {
  readonly #rows: NativeMemory;
  readonly #list = new NativeMemory(structureBytes("llama_token_data_array"));
  readonly #ids: Int32Array;
  readonly #values: Float32Array;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#rows = new NativeMemory(capacity * WORDS * 4);
    this.#ids = this.#rows.int32(0, capacity * WORDS);
    this.#values = this.#rows.float32(0, capacity * WORDS);
  }

  /**
   * Every token that has a chance, with its logit: what was taken away costs the samplers nothing. Returns how many.
   */
  fill(logits: Float32Array): number {
    if (logits.length !== this.#capacity) {
      throw new RangeError(`There are ${this.#capacity} tokens, and ${logits.length} logits`);
    }
    const [ids, values] = [this.#ids, this.#values];
    let at = 0;
    for (let token = 0; token < logits.length; token += 1) {
      const logit = logits[token] ?? Number.NEGATIVE_INFINITY;
      if (logit === Number.NEGATIVE_INFINITY) continue;
      ids[at] = token;
      values[at + 1] = logit;
      values[at + 2] = 0;
      at += WORDS;
    }
    this.#writeList(at / WORDS);
    return at / WORDS;
  }

  /** These tokens alone. */
  only(tokens: readonly number[], logit: (token: number) => number = () => 0): void {
    if (tokens.length > this.#capacity) throw new RangeError("More candidates than tokens");
    for (const [index, token] of tokens.entries()) {
      this.#ids[index * WORDS] = token;
      this.#values[index * WORDS + 1] = logit(token);
      this.#values[index * WORDS + 2] = 0;
    }
    this.#writeList(tokens.length);
  }

  /** Of the list that samplers change. */
  get address(): bigint {
    return this.#list.address;
  }

  /** In the order in which the last stage left them. */
  all(): readonly Candidate[] {
    const { data, size } = readStructure(this.#list.address, "llama_token_data_array");
    if (data === null || size === 0) return [];
    const views = new Views();
    // A stage may have put its own memory in place of ours.
    const values = views.float32(data, size * WORDS);
    const ids = new Int32Array(values.buffer);
    const all = Array.from({ length: size }, (_, index) => candidateAt(ids, values, index));
    views.end();
    return all;
  }

  /** Their logits by token; those that stages have dropped have no chance. */
  logitsInto(logits: Float32Array): void {
    logits.fill(Number.NEGATIVE_INFINITY);
    const { data, size } = readStructure(this.#list.address, "llama_token_data_array");
    if (data === null || size === 0) return;
    const views = new Views();
    const values = views.float32(data, size * WORDS);
    const ids = new Int32Array(values.buffer);
    for (let at = 0; at < values.length; at += WORDS) {
      logits[ids[at] ?? -1] = values[at + 1] ?? Number.NEGATIVE_INFINITY;
    }
    views.end();
  }

  /** Undefined until a stage has chosen. */
  get selected(): Candidate | undefined {
    const { data, size, selected } = readStructure(this.#list.address, "llama_token_data_array");
    if (data === null || selected < 0 || selected >= size) return undefined;
    const row = readStructure(data + BigInt(selected * WORDS * 4), "llama_token_data");
    return { token: row.id, logit: row.logit, probability: row.p };
  }

  [Symbol.dispose](): void {
    this.#rows[Symbol.dispose]();
    this.#list[Symbol.dispose]();
  }

  #writeList(size: number): void {
    writeStructure(this.#list.address, "llama_token_data_array", {
      data: this.#rows.address,
      size,
      selected: -1,
      sorted: false,
    });
  }
}

function candidateAt(ids: Int32Array, values: Float32Array, index: number): Candidate {
  const at = index * WORDS;
  return { token: ids[at] ?? -1, logit: values[at + 1] ?? 0, probability: values[at + 2] ?? 0 };
}
