/** A model's tokens: what they are, and from text to tokens and back. Lives as long as its model. */
import { LLAMA_TOKEN_NULL, llama_token_attr, llama_vocab_type } from "./generated/constants.ts";
import type { Handle } from "./native/handle.ts";
import { type Native, required } from "./native/native.ts";
import type { Pointer } from "./pointer.ts";

type VocabularyKind = Lowercase<keyof typeof llama_vocab_type>;
type TokenAttribute = Lowercase<keyof typeof llama_token_attr>;

/** Undefined where the model has none. */
type SpecialTokens = Readonly<
  Record<
    | "bos"
    | "eos"
    | "eot"
    | "sep"
    | "nl"
    | "pad"
    | "mask"
    | "fimPrefix"
    | "fimSuffix"
    | "fimMiddle"
    | "fimPad"
    | "fimRepository"
    | "fimSeparator",
    number | undefined
  >
>;

const ATTRIBUTES = Object.entries(llama_token_attr).map(
  ([name, bit]) => [name.toLowerCase() as TokenAttribute, bit] as const,
);
const KINDS = new Map(
  Object.entries(llama_vocab_type).map(
    ([name, value]) => [value as number, name.toLowerCase() as VocabularyKind] as const,
  ),
);
/** Longer than almost every token; a longer one is asked for again. */
const PIECE_BYTES = 128;

export class Vocabulary {
  readonly size: number;
  readonly kind: VocabularyKind;
  readonly special: SpecialTokens;
  /** What `tokenize` puts around a text that is `whole`. */
  readonly adds: { readonly bos: boolean; readonly eos: boolean; readonly sep: boolean };
  readonly #native: Native;
  readonly #model: Handle<"llama_model">;
  readonly #pointer: Pointer<"llama_vocab">;
  readonly #piece = Buffer.alloc(PIECE_BYTES);

  constructor(native: Native, model: Handle<"llama_model">) {
    this.#native = native;
    this.#model = model;
    const { call } = native;
    this.#pointer = required(call.llama_model_get_vocab(model.pointer), "find the vocabulary");
    const pointer = this.#pointer;
    this.size = call.llama_vocab_n_tokens(pointer);
    this.kind = KINDS.get(call.llama_vocab_type(pointer)) ?? "none";
    this.special = {
      bos: known(call.llama_vocab_bos(pointer)),
      eos: known(call.llama_vocab_eos(pointer)),
      eot: known(call.llama_vocab_eot(pointer)),
      sep: known(call.llama_vocab_sep(pointer)),
      nl: known(call.llama_vocab_nl(pointer)),
      pad: known(call.llama_vocab_pad(pointer)),
      mask: known(call.llama_vocab_mask(pointer)),
      fimPrefix: known(call.llama_vocab_fim_pre(pointer)),
      fimSuffix: known(call.llama_vocab_fim_suf(pointer)),
      fimMiddle: known(call.llama_vocab_fim_mid(pointer)),
      fimPad: known(call.llama_vocab_fim_pad(pointer)),
      fimRepository: known(call.llama_vocab_fim_rep(pointer)),
      fimSeparator: known(call.llama_vocab_fim_sep(pointer)),
    };
    this.adds = {
      bos: call.llama_vocab_get_add_bos(pointer),
      eos: call.llama_vocab_get_add_eos(pointer),
      sep: call.llama_vocab_get_add_sep(pointer),
    };
  }

  /** @throws OwnershipError when the model was freed */
  get pointer(): Pointer<"llama_vocab"> {
    this.#model.assertAlive();
    return this.#pointer;
  }

  /** @throws RangeError for a number that is no token of this vocabulary */
  check(token: number): number {
    if (Number.isInteger(token) && token >= 0 && token < this.size) return token;
    throw new RangeError(`There is no token ${token}: the vocabulary has ${this.size}`);
  }

  /** As the file has it: not for people, and not what the token adds to an answer. */
  text(token: number): string {
    return this.#native.call.llama_vocab_get_text(this.pointer, this.check(token)) ?? "";
  }

  score(token: number): number {
    return this.#native.call.llama_vocab_get_score(this.pointer, this.check(token));
  }

  /** As `attributes` has them, in the bits of `llama_token_attr`: for who looks at every token. */
  attributeBits(token: number): number {
    return this.#native.call.llama_vocab_get_attr(this.pointer, this.check(token));
  }

  attributes(token: number): ReadonlySet<TokenAttribute> {
    const bits = this.attributeBits(token);
    return new Set(ATTRIBUTES.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name));
  }

  /** Whether the token ends what is generated. */
  isEnd(token: number): boolean {
    return this.#native.call.llama_vocab_is_eog(this.pointer, this.check(token));
  }

  isControl(token: number): boolean {
    return this.#native.call.llama_vocab_is_control(this.pointer, this.check(token));
  }

  /** Bytes that the token stands for in a text: not always whole characters. */
  piece(token: number, options: { readonly control: boolean }): Buffer {
    const { pointer } = this;
    this.check(token);
    const write = (into: Buffer): number =>
      this.#native.call.llama_token_to_piece(pointer, token, into, into.length, 0, options.control);
    const length = write(this.#piece);
    if (length >= 0) return Buffer.from(this.#piece.subarray(0, length));
    const longer = Buffer.alloc(-length);
    return longer.subarray(0, write(longer));
  }

  /**
   * `whole` adds the tokens that the model wants at the beginning and end of a text. Without `control`, texts of
   * control tokens are text like any other.
   *
   * llama.cpp splits a text by recursion, as deep as the text has words without a space between: cut long ones.
   */
  tokenize(
    text: string,
    { whole, control }: { readonly whole: boolean; readonly control: boolean },
  ): Int32Array {
    const bytes = Buffer.byteLength(text);
    if (bytes === 0 && !whole) return new Int32Array();
    const { pointer } = this;
    const write = (into: Int32Array): number =>
      this.#native.call.llama_tokenize(pointer, text, bytes, into, into.length, whole, control);
    // One token a byte, and the two around.
    const tokens = new Int32Array(bytes + 2);
    const count = write(tokens);
    if (count >= 0) return tokens.slice(0, count);
    const longer = new Int32Array(-count);
    return longer.subarray(0, write(longer));
  }

  /** The text of tokens together. Bytes that are no characters are replaced. */
  detokenize(tokens: Int32Array, options: { readonly control: boolean }): string {
    for (const token of tokens) this.check(token);
    const { pointer } = this;
    const write = (into: Buffer): number =>
      this.#native.call.llama_detokenize(
        pointer,
        tokens,
        tokens.length,
        into,
        into.length,
        false,
        options.control,
      );
    const text = Buffer.alloc(tokens.length * 8 + 16);
    const length = write(text);
    if (length >= 0) return text.toString("utf8", 0, length);
    const longer = Buffer.alloc(-length);
    return longer.toString("utf8", 0, write(longer));
  }
}

function known(token: number): number | undefined {
  return token === LLAMA_TOKEN_NULL ? undefined : token;
}
