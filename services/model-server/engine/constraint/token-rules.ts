/**
 * What a grammar says about the tokens of a vocabulary. Shared by all answers that follow the same grammar.
 *
 * While a grammar holds, a control token writes nothing of it: only those that were named stand for their texts, and
 * only where the grammar has these texts literally.
 */
import type { ByteAutomaton, ByteState } from "@localmodel/grammar/follow/byte-automaton.ts";
import {
  someTokenGoesOn,
  type TokenTrie,
  tokensThatFollow,
} from "@localmodel/grammar/follow/token-trie.ts";
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import { forcedText, nextState, type Program } from "@localmodel/grammar/gbnf/recognize.ts";

export type GuidedVocabulary = {
  readonly size: number;
  /** What the token is called, as a string of bytes. */
  readonly binaryOf: (token: number) => string;
  /** Whether it writes nothing into the answer. */
  readonly isControl: (token: number) => boolean;
  readonly trie: TokenTrie;
  /** Texts of control tokens become those tokens. */
  readonly tokensOf: (text: string) => readonly number[];
  /** The tokens of a text that goes on another one; undefined where the tokenizer has none that say just this. */
  readonly continuation: (text: string) => readonly number[] | undefined;
};

/** What is longer comes in several parts. */
const FORCED_MAX_CHARACTERS = 512;

/** A bit for each token. */
type Mask = Uint32Array;

const ALL_BITS = 2 ** 32 - 1;

/** Of one grammar. A mask is as long as the vocabulary. */
const MASKS_BYTES_MAX = 2 * 2 ** 20;

export class TokenRules {
  readonly #automaton: ByteAutomaton | undefined;
  readonly #vocabulary: GuidedVocabulary;
  /** Control tokens that stand for their texts. */
  readonly #named: ReadonlySet<number>;
  readonly #masks = new Map<ByteState, Mask>();
  readonly #forced = new WeakMap<ByteState, readonly number[]>();

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

  /** Before a token is looked at. */
  begin(): void {
    this.#automaton?.begin();
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
    this.begin();
    tokensThatFollow(state, this.#own, trie, (token) => mark(mask, token));
    for (const token of this.#named) {
      if (this.#followLiterally(state, this.textOf(token)) !== undefined) mark(mask, token);
    }
    if ((this.#masks.size + 1) * mask.byteLength > MASKS_BYTES_MAX) this.#masks.clear();
    this.#masks.set(state, mask);
    return mask;
  }

  /**
   * The tokens of the text that has to follow. What a longer token might say, together with what follows then, is left to
   * be chosen: so the model gets the tokens that it would have been given.
   */
  forced(state: ByteState): readonly number[] {
    const known = this.#forced.get(state);
    if (known !== undefined) return known;
    this.begin();
    const tokens = this.#findForced(state);
    this.#forced.set(state, tokens);
    return tokens;
  }

  #findForced(state: ByteState): readonly number[] {
    try {
      return this.#tryForced(state);
    } catch (error) {
      // Nothing has to be found here: what is too much to follow is refused where a token is drawn.
      if (error instanceof GrammarError) return [];
      throw error;
    }
  }

  #tryForced(state: ByteState): readonly number[] {
    if (state.opened !== undefined) return [];
    const text = forcedText(state.state, this.program, FORCED_MAX_CHARACTERS);
    const tokens = text === "" ? undefined : this.#tokensOfForced(text);
    const bytes = Buffer.from(text);
    const end = this.#own.follow(state, bytes);
    if (tokens === undefined || end === undefined) return [];
    let at = 0;
    for (const [index, token] of tokens.entries()) {
      const rest = bytes.subarray(at);
      if (someTokenGoesOn(rest, end, this.#own, this.#vocabulary.trie)) {
        return tokens.slice(0, index);
      }
      at += this.textOf(token).length;
    }
    return tokens;
  }

  /** What named control tokens are called becomes those tokens. */
  #tokensOfForced(text: string): readonly number[] | undefined {
    for (const token of this.#named) {
      const name = Buffer.from(this.textOf(token), "latin1").toString();
      const at = text.indexOf(name);
      if (at === -1) continue;
      const before = this.#tokensOfForced(text.slice(0, at));
      const behind = this.#tokensOfForced(text.slice(at + name.length));
      return before && behind ? [...before, token, ...behind] : undefined;
    }
    return text === "" ? [] : this.#vocabulary.continuation(text);
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

/** Takes away the tokens that have no bit: most words have none at all, or all. */
export function leaveMarked(logits: Float32Array, mask: Mask): void {
  for (let word = 0, first = 0; first < logits.length; word += 1, first += 32) {
    const bits = mask[word] ?? 0;
    const last = Math.min(first + 32, logits.length);
    if (bits === 0) logits.fill(Number.NEGATIVE_INFINITY, first, last);
    else if (bits !== ALL_BITS) {
      for (let token = first; token < last; token += 1) {
        if ((bits & (1 << (token & 31))) === 0) logits[token] = Number.NEGATIVE_INFINITY;
      }
    }
  }
}
