/**
 * What may come next, by what was written before: where the last tokens have occurred already, what followed them there.
 *
 * Code that is edited and text that is quoted repeat long passages, so the longer the tokens agree, the more of what
 * followed is proposed. Nothing depends on a proposal being right.
 */

/** Tokens that have to agree. */
const GRAM = 3;
/** Tokens of a long prompt that one call reads: it is known after some steps, and holds none of them up. */
const READ_TOKENS = 4096;

export type Proposal = {
  readonly tokens: readonly number[];
  /** How many of the last tokens agree, as far as was looked. */
  readonly matched: number;
};

const NOTHING: Proposal = { tokens: [], matched: 0 };

export class Lookup {
  /** It only grows. */
  readonly #tokens: readonly number[];
  /** Of the tokens before each position, hashed: the latest position. */
  readonly #positions = new Map<number, number>();
  #read = GRAM;

  constructor(tokens: readonly number[]) {
    this.#tokens = tokens;
  }

  /** At most so many tokens. Rows of pictures are none. */
  propose(most: number): Proposal {
    this.#readOn();
    const tokens = this.#tokens;
    const end = tokens.length;
    const at = end < GRAM || most < 1 ? undefined : this.#positions.get(hashBefore(tokens, end));
    if (at === undefined) return NOTHING;
    const matched = agreement(tokens, at, most);
    if (matched < GRAM) return NOTHING;
    const proposed: number[] = [];
    // What was written less than that ago repeats itself.
    while (proposed.length < Math.min(most, matched)) {
      const token = tokens[at + proposed.length] ?? proposed[at + proposed.length - end] ?? -1;
      if (token < 0) break;
      proposed.push(token);
    }
    return proposed.length === 0 ? NOTHING : { tokens: proposed, matched };
  }

  /** Up to the last position that a token follows. */
  #readOn(): void {
    const to = Math.min(this.#tokens.length, this.#read + READ_TOKENS);
    for (; this.#read < to; this.#read += 1) {
      this.#positions.set(hashBefore(this.#tokens, this.#read), this.#read);
    }
  }
}

/** How many tokens before `at` are those at the end; it is not asked for more than are of use. */
function agreement(tokens: readonly number[], at: number, most: number): number {
  const bound = Math.min(at, Math.max(most, GRAM));
  let matched = 0;
  while (matched < bound && tokens[at - 1 - matched] === tokens[tokens.length - 1 - matched]) {
    matched += 1;
  }
  return matched;
}

/** Of the GRAM tokens before a position. Two may have the same. */
function hashBefore(tokens: readonly number[], position: number): number {
  let hash = 0;
  for (let index = position - GRAM; index < position; index += 1) {
    hash = (Math.imul(hash, 0x9e_37_79_b1) + (tokens[index] ?? 0)) | 0;
  }
  return hash;
}
