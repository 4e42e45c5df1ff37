/**
 * Makes constraints ready to be followed: compiles their languages, or refuses them, once for all requests that have the
 * same, and knows the vocabulary that they are followed in.
 */
import { hash } from "node:crypto";
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { ByteAutomaton } from "@localmodel/grammar/follow/byte-automaton.ts";
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import type { Program } from "@localmodel/grammar/gbnf/recognize.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { fieldIn } from "./compile.ts";
import type { GrammarThread } from "./grammar-thread.ts";
import { Guide } from "./guide.ts";
import { type GuidedVocabulary, TokenRules } from "./token-rules.ts";

/** What a language of so many elements takes is guessed from that. */
const CACHED_ELEMENTS_MAX = 800_000;
const CACHED_LANGUAGES_MAX = 32;
/** A client that is refused often asks the same again, and a second's work would tell it the same. */
const REFUSALS_MAX = 256;

type Cached = { readonly program: Promise<Program>; elements: number; rules?: TokenRules };

type Tokenize = (text: string, control: boolean) => readonly number[];

export class Constraints {
  readonly #thread: Pick<GrammarThread, "compile" | "trie">;
  readonly #vocabulary: Vocabulary;
  readonly #tokenize: Tokenize;
  /** The least recently used first. */
  readonly #cache = new Map<string, Cached>();
  /** The oldest first. */
  readonly #refusals = new Map<string, Failure>();
  #guided: Promise<GuidedVocabulary> | undefined;
  #controlTokens: ReadonlyMap<string, number> | undefined;

  constructor(
    thread: Pick<GrammarThread, "compile" | "trie">,
    vocabulary: Vocabulary,
    tokenize: Tokenize,
  ) {
    this.#thread = thread;
    this.#vocabulary = vocabulary;
    this.#tokenize = tokenize;
  }

  /**
   * What each choice of a request gets one of.
   * @throws Failure for a language that cannot be guaranteed
   */
  async prepare(constraint: Constraint): Promise<() => Guide> {
    try {
      const rules = await this.#rulesOf(constraint);
      this.#requirePossible(constraint, rules);
      return () => new Guide(constraint, rules);
    } catch (error) {
      if (error instanceof GrammarError) throw cannotFollow(error, fieldIn(constraint));
      throw error;
    }
  }

  async #rulesOf({ grammar }: Constraint): Promise<TokenRules> {
    this.#guided ??= this.#guidedVocabulary();
    const guided = await this.#guided;
    if (grammar === undefined) return new TokenRules(undefined, guided, new Set());
    const named = this.#named(grammar.controlTexts ?? []);
    const cached = this.#cached(grammar.language, [...named]);
    const program = await cached.program;
    const { rules } = cached;
    if (rules !== undefined && !rules.isFull) return rules;
    return (cached.rules = new TokenRules(new ByteAutomaton(program), guided, named));
  }

  /** What the request itself puts at the beginning has to be allowed. */
  #requirePossible(constraint: Constraint, rules: TokenRules): void {
    const guide = new Guide(constraint, rules);
    for (const token of constraint.prefix === undefined ? [] : guide.due) {
      if (!guide.allows(token)) {
        const message = "The beginning that the answer is given does not fit what it must be.";
        throw invalidRequest(null, message, "invalid_value");
      }
      guide.accept(token);
    }
  }

  #cached(language: Language, named: readonly number[]): Cached {
    const key = hash("sha256", JSON.stringify([language, named]));
    const known = this.#cache.get(key);
    if (known !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, known);
      return known;
    }
    const refusal = this.#refusals.get(key);
    if (refusal !== undefined) throw refusal;
    const cached: Cached = { program: this.#thread.compile(language), elements: 0 };
    this.#cache.set(key, cached);
    cached.program.then(
      ({ elements }) => (cached.elements = elements.length),
      (error: unknown) => {
        this.#cache.delete(key);
        this.#rememberRefusal(key, error);
      },
    );
    this.#forget();
    return cached;
  }

  /** Not where the machine may be to blame: then there is a cause. */
  #rememberRefusal(key: string, error: unknown): void {
    if (!(error instanceof Failure) || error.cause !== undefined) return;
    this.#refusals.set(key, error);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > REFUSALS_MAX && oldest !== undefined) this.#refusals.delete(oldest);
  }

  #forget(): void {
    let elements = 0;
    for (const cached of this.#cache.values()) elements += cached.elements;
    for (const [key, cached] of this.#cache) {
      if (elements <= CACHED_ELEMENTS_MAX && this.#cache.size <= CACHED_LANGUAGES_MAX) return;
      this.#cache.delete(key);
      elements -= cached.elements;
    }
  }

  #named(texts: readonly string[]): ReadonlySet<number> {
    if (texts.length === 0) return new Set();
    const { size } = this.#vocabulary;
    this.#controlTokens ??= new Map(
      Array.from({ length: size }, (_, token) => token)
        .filter((token) => this.#vocabulary.isControl(token))
        .map((token) => [this.#vocabulary.textOf([token]), token]),
    );
    return new Set(texts.flatMap((text) => this.#controlTokens?.get(text) ?? []));
  }

  async #guidedVocabulary(): Promise<GuidedVocabulary> {
    const vocabulary = this.#vocabulary;
    const texts: string[] = [];
    const binaryOf = (token: number): string =>
      (texts[token] ??= Buffer.from(vocabulary.labelBytes(token)).toString("latin1"));
    try {
      const trie = await this.#thread.trie();
      return {
        size: vocabulary.size,
        binaryOf,
        isControl: (token) => vocabulary.bytes(token).length === 0,
        trie,
        tokensOf: (text) => this.#tokenize(text, true),
        continuation: (text) => this.#continuation(text, binaryOf),
      };
    } catch (error) {
      // The next one who needs it tries again.
      this.#guided = undefined;
      throw error;
    }
  }

  /** Some tokenizers begin every text with a space: behind a line break they do not. */
  #continuation(text: string, binaryOf: (token: number) => string): readonly number[] | undefined {
    const wanted = Buffer.from(text).toString("latin1");
    const saysIt = (tokens: readonly number[]): boolean =>
      tokens.map(binaryOf).join("") === wanted &&
      tokens.every((token) => this.#vocabulary.bytes(token).length > 0);
    const plain = this.#tokenize(text, false);
    if (saysIt(plain)) return plain;
    const before = this.#tokenize("\n", false);
    const behind = this.#tokenize(`\n${text}`, false);
    const rest = behind.slice(before.length);
    const isSame = before.every((token, index) => behind[index] === token);
    return isSame && saysIt(rest) ? rest : undefined;
  }
}

/** A grammar that leaves more open than can be followed. */
export function cannotFollow({ message }: GrammarError, field: string | null): Failure {
  const text = `The answer cannot be held to what it must be: ${message.replace(/^#: /u, "")}.`;
  return invalidRequest(field, text, "schema_too_large");
}
