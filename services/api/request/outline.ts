/**
 * What routing needs of a request body, read without building anything of the rest.
 *
 * One pass over the bytes: strings are skipped by native search, values by their brackets. It is as strict as
 * it has to be to agree with a JSON parser about the fields at the top: an object, its keys, where each
 * value begins and ends; the last of two equal keys counts. What is wrong further inside is for the model
 * server to refuse.
 */
import { isUtf8 } from "node:buffer";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { JSON_MAX_DEPTH } from "@localmodel/openai/parsing/json-shape.ts";
import { parseJson } from "@localmodel/openai/parsing/json.ts";

/** The prompt's bytes within the body. */
export type PromptSpan = {
  readonly start: number;
  /** Where its parts end: messages, or the prompt as a whole. */
  readonly ends: readonly number[];
};

type Outline = {
  /** As the client wrote it: any type. */
  readonly model: unknown;
  readonly stream: boolean;
  readonly prompt: PromptSpan | undefined;
};

/** What the endpoint calls the fields that are read. */
type OutlineFields = {
  readonly model: string;
  readonly stream?: string;
  readonly prompt: string;
};

/** Throws a 400 for what is not a JSON object. */
export function outlineOf(body: Buffer, fields: OutlineFields): Outline {
  if (!isUtf8(body)) throw invalidRequest(null, "The body of the request is not valid UTF-8.");
  const scan = new Scan(body, fields);
  return scan.run();
}

/** Parts that follow later say little about where a prompt belongs. */
const PROMPT_PARTS_MAX = 256;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

class Scan {
  readonly #body: Buffer;
  readonly #fields: OutlineFields;
  #at = 0;
  #model: unknown;
  #stream = false;
  #prompt: PromptSpan | undefined;

  constructor(body: Buffer, fields: OutlineFields) {
    this.#body = body;
    this.#fields = fields;
  }

  run(): Outline {
    if (this.#next() !== OPEN_BRACE) throw this.#notAnObject();
    this.#at++;
    if (this.#next() === CLOSE_BRACE) this.#at++;
    else while (this.#field());
    if (this.#next() !== undefined) throw this.#malformed();
    return { model: this.#model, stream: this.#stream, prompt: this.#prompt };
  }

  /** Reads one field. Whether another one follows. */
  #field(): boolean {
    if (this.#next() !== QUOTE) throw this.#malformed();
    const key = this.#key();
    if (this.#next() !== COLON) throw this.#malformed();
    this.#at++;
    this.#next();
    const start = this.#at;
    const ends = this.#value();
    if (this.#at === start) throw this.#malformed();
    this.#keep(key, start, ends);
    const after = this.#next();
    this.#at++;
    if (after === COMMA) return true;
    if (after === CLOSE_BRACE) return false;
    throw this.#malformed();
  }

  #keep(key: string, start: number, ends: readonly number[]): void {
    const { model, stream, prompt } = this.#fields;
    if (key === model) this.#model = parseJson(this.#body.subarray(start, this.#at));
    else if (key === stream) {
      this.#stream = this.#body.toString("latin1", start, this.#at).trimEnd() === "true";
    } else if (key === prompt) this.#prompt = { start, ends };
  }

  #key(): string {
    const start = this.#at;
    this.#skipString();
    const text = this.#body.toString("latin1", start + 1, this.#at - 1);
    if (!text.includes("\\")) return text;
    return String(parseJson(this.#body.subarray(start, this.#at)));
  }

  /** Moves behind a value. Returns where the objects in it end, if it is an array of them, or the whole. */
  #value(): readonly number[] {
    const first = this.#body[this.#at];
    if (first === QUOTE) this.#skipString();
    else if (isOpening(first)) {
      const ends = this.#container();
      if (ends.length > 0) return ends;
    } else this.#skipScalar();
    return [this.#at];
  }

  #container(): readonly number[] {
    const body = this.#body;
    const ends: number[] = [];
    let depth = 0;
    for (; this.#at < body.length; this.#at++) {
      const byte = body[this.#at];
      if (byte === QUOTE) this.#skipString(-1);
      else if (isOpening(byte)) {
        // The object around it is a level too.
        if (++depth >= JSON_MAX_DEPTH) throw this.#tooDeep();
      } else if (isClosing(byte)) {
        depth--;
        if (depth === 1 && ends.length < PROMPT_PARTS_MAX) ends.push(this.#at + 1);
        if (depth === 0) {
          this.#at++;
          return ends;
        }
      }
    }
    throw this.#malformed();
  }

  #skipScalar(): void {
    const body = this.#body;
    let byte = body[this.#at];
    while (byte !== undefined && byte !== COMMA && !isClosing(byte)) byte = body[++this.#at];
  }

  /** From a quote to behind the one that closes it, or so many bytes from there. */
  #skipString(offset = 0): void {
    const body = this.#body;
    let end = body.indexOf(QUOTE, this.#at + 1);
    while (end !== -1 && isEscaped(body, end)) end = body.indexOf(QUOTE, end + 1);
    if (end === -1) throw this.#malformed();
    this.#at = end + 1 + offset;
  }

  /** The byte after white space. */
  #next(): number | undefined {
    const body = this.#body;
    while (isWhiteSpace(body[this.#at])) this.#at++;
    return body[this.#at];
  }

  #notAnObject(): Failure {
    // Says what is wrong with it, if it is no JSON at all.
    parseJson(this.#body);
    return invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
  }

  #malformed(): Failure {
    parseJson(this.#body);
    return invalidRequest(null, "The body of the request is not valid JSON.");
  }

  #tooDeep(): Failure {
    const message = `The JSON body of the request is too complex: nested deeper than ${JSON_MAX_DEPTH} levels.`;
    return invalidRequest(null, message);
  }
}

function isOpening(byte: number | undefined): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

function isClosing(byte: number | undefined): boolean {
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** An odd number of backslashes before it. */
function isEscaped(json: Uint8Array, quote: number): boolean {
  let first = quote;
  while (json[first - 1] === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}
