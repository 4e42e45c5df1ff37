/**
 * The bytes behind each token id.
 *
 * Text is put together from bytes rather than from detokenised strings, because one character may be
 * spread over several tokens. Byte-level vocabularies ("gpt2") write every byte as a printable
 * character, SentencePiece ones ("llama") write a space as U+2581 and odd bytes as `<0xE2>`.
 */
export type VocabularySource = {
  /** `tokenizer.ggml.model` */
  readonly kind: string;
  /** `tokenizer.ggml.tokens` */
  readonly texts: readonly string[];
  /** `tokenizer.ggml.token_type` */
  readonly types: readonly number[];
  /** llama.cpp takes end-of-generation tokens for control tokens, whatever the file says they are. */
  readonly isEnd?: (token: number) => boolean;
};

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;

const WORDS_JOINED = /[^\u2581\s][\u2581\s]/u;

/** `</think>`, `[TOOL_CALLS]`: not white space, and not "don't". */
const LOOKS_LIKE_MARKER = /^(?:<[^\s<>]+>|\[[^\s[\]]+\])$/u;

/** Conversions of many a model call what separates its turns "user-defined", next to `<table>` and "\n\n". */
const LOOKS_LIKE_CONTROL = /^(?:<[|｜].*>|<.*[|｜]>|\[\|.*\|\]|<\w+_of_\w+>|\[\/?[A-Z_]+\])$/u;

const NOTHING = new Uint8Array(0);

export class Vocabulary {
  readonly size: number;
  /** Texts that the tokenizer reads as one control token, wherever they stand in a prompt. */
  readonly controlTexts: readonly string[];
  /** Texts of tokens that end an answer. */
  readonly endTexts: readonly string[];
  /**
   * Texts of "user-defined" tokens that may separate parts of a prompt, if the template uses them so; the tokenizer finds
   * them in any text.
   */
  readonly markerTexts: readonly string[];
  /** Whether a token goes on after the space behind a word. */
  readonly joinsWords: boolean;
  /** Bytes of the longest token: n bytes of text are at least n / longestTokenBytes tokens. */
  readonly longestTokenBytes: number;
  readonly #source: VocabularySource;
  readonly #encoder = new TextEncoder();

  constructor(source: VocabularySource) {
    this.#source = source;
    this.size = source.texts.length;
    this.controlTexts = source.texts.filter(
      (text, token) => text !== "" && this.#readAsControl(text, token),
    );
    this.endTexts = source.texts.filter((text, token) => text !== "" && source.isEnd?.(token));
    this.markerTexts = source.texts.filter(
      (text, token) => this.#type(token) === USER_DEFINED && LOOKS_LIKE_MARKER.test(text),
    );
    this.joinsWords = source.texts.some((text) => WORDS_JOINED.test(text));
    this.longestTokenBytes = source.texts.reduce(
      (longest, text) => Math.max(longest, Buffer.byteLength(text)),
      1,
    );
  }

  /** What the token writes into the answer; nothing for control tokens. */
  bytes(token: number): Uint8Array {
    const type = this.#type(token);
    if (type === CONTROL || type === UNKNOWN) return NOTHING;
    return this.#raw(token);
  }

  /** Whether the token writes nothing, but says something about the text around it. */
  isControl(token: number): boolean {
    return this.#type(token) === CONTROL;
  }

  /** What the token is called where every token must be shown: in log probabilities. */
  labelBytes(token: number): Uint8Array {
    return this.#raw(token);
  }

  /** What the tokens stand for, control tokens included. */
  textOf(tokens: readonly number[]): string {
    return Buffer.concat(tokens.map((token) => this.labelBytes(token))).toString("utf8");
  }

  #raw(token: number): Uint8Array {
    const text = this.#source.texts[token] ?? "";
    const type = this.#type(token);
    if (type === BYTE) return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
    if (this.#source.kind === "gpt2" && type === NORMAL) return byteLevelBytes(text);
    if (type !== NORMAL) return this.#encoder.encode(text);
    return this.#encoder.encode(text.replaceAll("\u2581", " "));
  }

  #readAsControl(text: string, token: number): boolean {
    const type = this.#type(token);
    if (type === CONTROL || type === UNKNOWN) return true;
    if (type === USER_DEFINED && LOOKS_LIKE_CONTROL.test(text)) return true;
    // Asking llama.cpp of every token would delay the start.
    return /[<[]/u.test(text) && this.#source.isEnd?.(token) === true;
  }

  #type(token: number): number {
    return this.#source.types[token] ?? NORMAL;
  }
}

/**
 * GPT-2's byte alphabet: printable Latin-1 characters stand for themselves, the other 68 bytes are
 * written as the characters from U+0100 on, in order.
 */
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    map.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  }
  return map;
})();

function byteLevelBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) bytes.push(...Buffer.from(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function printable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}
