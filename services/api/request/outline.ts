/**
 * What routing needs of a request body, read without building anything of the rest.
 *
 * It hears of what stands at the top of the body while its shape is looked at, and is as strict as it has to be to
 * agree with a JSON parser about that: an object, its keys, where each value begins and ends; the last of two equal
 * keys counts. What is wrong further inside is for the model server to refuse.
 */
import type { TopLevel } from "@localmodel/openai/parsing/json-shape.ts";

/** Where something stands within the body. */
type Span = { readonly start: number; readonly end: number };

/** The prompt's bytes within the body. */
export type PromptSpan = {
  readonly start: number;
  /** Where its parts end: messages, or the prompt as a whole. */
  readonly ends: readonly number[];
  /** Fields that become the beginning of the prompt. */
  readonly heads: readonly Span[];
};

export type Field = Span & { readonly partEnds: readonly number[] };

/** Parts that follow later say little about where a prompt belongs. */
const PROMPT_PARTS_MAX = 256;
/** Of a key as it is written; longer ones are nobody's. */
const KEY_MAX_BYTES = 256;

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

/** What may come next. */
type Expected =
  | "object"
  | "key"
  | "colon"
  | "value"
  | "rest of scalar"
  | "inside"
  | "comma"
  | "nothing";

export class Outline implements TopLevel {
  readonly #body: Buffer;
  readonly #wanted: ReadonlySet<string>;
  readonly #fields = new Map<string, Field>();
  #expected: Expected = "object";
  #isEmpty = true;
  #key: Span = { start: 0, end: 0 };
  #start = 0;
  #end = 0;
  #partEnds: number[] = [];
  #wrongAt: number | undefined;

  /** `wanted` are the fields that it is to find. */
  constructor(body: Buffer, wanted: Iterable<string>) {
    this.#body = body;
    this.#wanted = new Set(wanted);
  }

  /** Where it stops being a JSON object; its end, if it is cut off. */
  get wrongAt(): number | undefined {
    return this.#wrongAt ?? (this.#expected === "nothing" ? undefined : this.#body.length);
  }

  get isObject(): boolean {
    return this.#expected !== "object";
  }

  /** The field of this name that counts. */
  field(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  string(start: number, end: number): void {
    if (this.#expected === "key") {
      this.#key = { start, end };
      this.#expected = "colon";
    } else if (this.#expected === "value") this.#take(start, end);
    else this.#wrong(start);
  }

  scalar(at: number): void {
    if (this.#expected === "value") this.#take(at, at + 1, "rest of scalar");
    else if (this.#expected === "rest of scalar" && this.#end === at) this.#end = at + 1;
    else this.#wrong(at);
  }

  mark(byte: number, at: number, depth: number): void {
    if (byte === COLON) this.#pass("colon", "value", at);
    else if (byte === COMMA) this.#comma(at);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open(byte, at, depth);
    else this.#close(byte, at, depth);
  }

  #comma(at: number): void {
    if (!this.#hasValue) return this.#wrong(at);
    this.#keep();
    this.#expected = "key";
  }

  #open(byte: number, at: number, depth: number): void {
    if (depth === 0 && byte === OPEN_BRACE) this.#pass("object", "key", at);
    else if (depth <= 1 && this.#expected === "value") this.#take(at, at, "inside");
    else if (depth <= 1) this.#wrong(at);
  }

  #close(byte: number, at: number, depth: number): void {
    if (this.#expected === "inside") {
      if (depth === 2 && this.#partEnds.length < PROMPT_PARTS_MAX) this.#partEnds.push(at + 1);
      if (depth !== 1) return;
      this.#end = at + 1;
      this.#expected = "comma";
    } else if (
      byte !== CLOSE_BRACE ||
      !(this.#hasValue || (this.#isEmpty && this.#expected === "key"))
    ) {
      this.#wrong(at);
    } else {
      if (this.#hasValue) this.#keep();
      this.#expected = "nothing";
    }
  }

  get #hasValue(): boolean {
    return this.#expected === "comma" || this.#expected === "rest of scalar";
  }

  #take(start: number, end: number, expected: Expected = "comma"): void {
    this.#start = start;
    this.#end = end;
    this.#partEnds = [];
    this.#expected = expected;
  }

  #keep(): void {
    this.#isEmpty = false;
    const name = this.#name();
    if (name === undefined || !this.#wanted.has(name)) return;
    this.#fields.set(name, { start: this.#start, end: this.#end, partEnds: this.#partEnds });
  }

  /** Undefined for a key that is too long to be one of ours, or no JSON. */
  #name(): string | undefined {
    const { start, end } = this.#key;
    if (end - start > KEY_MAX_BYTES) return undefined;
    const text = this.#body.toString("latin1", start + 1, end - 1);
    if (!text.includes("\\")) return text;
    try {
      return String(JSON.parse(this.#body.toString("utf8", start, end)));
    } catch {
      this.#wrong(start);
      return undefined;
    }
  }

  #pass(expected: Expected, next: Expected, at: number): void {
    if (this.#expected === expected) this.#expected = next;
    else this.#wrong(at);
  }

  #wrong(at: number): void {
    this.#wrongAt ??= at;
  }
}
