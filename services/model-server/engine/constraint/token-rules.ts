/**
 * What a grammar says about the tokens of a vocabulary. Shared by all answers that follow the same grammar.
 *
 * While a grammar holds, a control token writes nothing of it: only those that were named stand for their texts, and
 * only where the grammar has these texts literally.
 */
import type { ByteAutomaton, ByteState } from "@localmodel/grammar/follow/byte-automaton.ts";
import { type TokenTrie, tokensThatFollow } from "@localmodel/grammar/follow/token-trie.ts";
import { nextState, type Program } from "@localmodel/grammar/gbnf/recognize.ts";

export type GuidedVocabulary = {
  readonly size: number;
  /** What the token is called, as a string of bytes. */
  readonly binaryOf: (token: number) => string;
  /** Whether it writes nothing into the answer. */
  readonly isControl: (token: number) => boolean;
  readonly trie: TokenTrie;
  /** Texts of control tokens become those tokens. */
  readonly tokensOf: (text: string) => readonly number[];
};

/** A bit for each token. */
type Mask = Uint32Array;

/** Of one grammar. A mask is as long as the vocabulary. */
const MASKS_BYTES_MAX = 2 * 2 ** 20;

export class TokenRules {
  readonly #automaton: ByteAutomaton | undefined;
  readonly #vocabulary: GuidedVocabulary;
  /** Control tokens that stand for their texts. */
  readonly #named: ReadonlySet<number>;
  readonly #masks = new Map<ByteState, Mask>();

  constructor(
    automaton: ByteAutomaton | undefined,
    vocabulary: GuidedVocabulary,
    named: ReadonlySet<number>,
  ) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
    this.#named = named;
  }

  /** Whether they remember so much that new ones should take their place. */
  get isFull(): boolean {
    return this.#automaton?.isFull === true;
  }

  get start(): ByteState {
    return this.#own.start;
  }

  get program(): Program {
    return this.#own.program;
  }

  textOf(token: number): string {
    return this.#vocabulary.binaryOf(token);
  }

  follow(state: ByteState, token: number, text: string): ByteState | undefined {
    if (!this.#vocabulary.isControl(token)) {
      return text === "" ? undefined : this.followText(state, text);
    }
    return this.#named.has(token) ? this.#followLiterally(state, text) : undefined;
  }

  followText(state: ByteState, text: string): ByteState | undefined {
    let at: ByteState | undefined = state;
    for (let index = 0; index < text.length && at !== undefined; index += 1) {
      at = this.#own.next(at, text.charCodeAt(index));
    }
    return at;
  }

  tokensOf(text: string): readonly number[] {
    return this.#vocabulary.tokensOf(text);
  }

  /** The tokens that may follow; of those that end an answer it says nothing. */
  mask(state: ByteState): Mask {
    const known = this.#masks.get(state);
    if (known !== undefined) return known;
    const { size, trie } = this.#vocabulary;
    const mask = new Uint32Array(Math.ceil(size / 32));
    tokensThatFollow(state, this.#own, trie, (token) => mark(mask, token));
    for (const token of this.#named) {
      if (this.#followLiterally(state, this.textOf(token)) !== undefined) mark(mask, token);
    }
    if ((this.#masks.size + 1) * mask.byteLength > MASKS_BYTES_MAX) this.#masks.clear();
    this.#masks.set(state, mask);
    return mask;
  }

  #followLiterally(from: ByteState, binary: string): ByteState | undefined {
    if (from.opened !== undefined) return undefined;
    let { state } = from;
    for (const char of Buffer.from(binary, "latin1").toString()) {
      state = nextState(state, char.codePointAt(0) ?? 0, this.program, { literally: true });
    }
    if (state.waiting.length === 0 && !state.complete) return undefined;
    return this.followText(from, binary);
  }

  get #own(): ByteAutomaton {
    if (this.#automaton === undefined) throw new Error("There is no grammar to follow");
    return this.#automaton;
  }
}

function mark(mask: Mask, token: number): void {
  mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31));
}

export function isMarked(mask: Mask, token: number): boolean {
  return ((mask[token >> 5] ?? 0) & (1 << (token & 31))) !== 0;
}
