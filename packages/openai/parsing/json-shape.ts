/**
 * What a JSON text would cost to parse, found out without parsing it, and without holding up anybody else.
 *
 * A parser builds an object for every brace, a property for every colon and a value for every comma: thirty megabytes
 * of them keep a thread busy for seconds, while thirty megabytes of text are nothing. So it is the structure that has
 * bounds here, in one pass over the bytes that skips whatever is inside strings. The pass goes in steps: whoever
 * makes it says how many at a time, and what other work comes in between.
 *
 * It does not say whether the text is JSON. Who wants to know what stands at the top of it is told as it passes.
 */

const JSON_MAX_DEPTH = 64;
const JSON_MAX_CONTAINERS = 200_000;
const JSON_MAX_FIELDS = 200_000;
/** Of one object: as many as `logit_bias` may have. */
const OBJECT_MAX_FIELDS = 10_000;
/** Of the request itself. OpenAI has some forty, and other servers as many more. */
const TOP_MAX_FIELDS = 256;
/** A prompt of a million tokens, each as its number. */
const JSON_MAX_VALUES = 1_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What is between the strings, by kinds of bytes. */
const SCALAR = 0;
const SPACE = 1;
const STRING = 2;
const OPENING = 3;
const CLOSING = 4;
const COLON = 5;
const COMMA = 6;

const KINDS = new Uint8Array(256);
for (const [characters, kind] of [
  [" \t\n\r", SPACE],
  ['"', STRING],
  ["{[", OPENING],
  ["}]", CLOSING],
  [":", COLON],
  [",", COMMA],
] as const) {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
}

/** What finding the end of a string takes, in steps of one byte each. */
const STRING_STEPS = 16;

/** Hears of the outermost object and its fields, in the order of the text. Positions are bytes. */
export type TopLevel = {
  /** A string outside all brackets, or a key or a value of the outermost object; `end` is behind it. */
  string(start: number, end: number): void;
  /** Each byte of a number, a word or nonsense there. */
  scalar(at: number): void;
  /** A bracket, a colon or a comma: `depth` levels are open before an opening one, and after a closing one. */
  mark(byte: number, at: number, depth: number): void;
};

/** Deepest level whose brackets are told: those around the parts of a field's value. */
const TOLD_DEPTH = 2;

/** Longer than that of any field that a request may have, and nothing that a message could not show. */
const FIELD_NAME = /^"([\w.-]{1,64})"$/;
const FIELD_NAME_MAX_BYTES = 66;

export class JsonShape {
  readonly #json: Uint8Array;
  readonly #top: TopLevel | undefined;
  /** How many fields the objects have that are open. */
  readonly #fieldsAt = [0];
  #at = 0;
  #stepsLeft = 0;
  #depth = 0;
  #containers = 0;
  #fields = 0;
  #values = 0;
  #excess: string | undefined;
  /** The string at the top that was passed last, and the one before the last colon there. */
  #lastString: readonly [start: number, end: number] | undefined;
  #lastName: readonly [start: number, end: number] | undefined;
  /** Of the string that the pass is in. */
  #stringStart = -1;
  /** A quote in it whose backslashes are being counted, from there to `#run`. */
  #quote = -1;
  #run = -1;

  constructor(json: Uint8Array, top?: TopLevel) {
    this.#json = json;
    this.#top = top;
  }

  /** What is too much about the text, as far as it has been looked at. */
  get excess(): string | undefined {
    return this.#excess;
  }

  /** The field of the outermost object whose value is too much; undefined for the object itself, and for odd names. */
  get field(): string | undefined {
    if (this.#excess === undefined || this.#depth <= 1 || this.#lastName === undefined) return;
    const [start, end] = this.#lastName;
    if (end - start > FIELD_NAME_MAX_BYTES) return;
    return FIELD_NAME.exec(String.fromCharCode(...this.#json.subarray(start, end)))?.[1];
  }

  /** Goes on for about so many steps. False while there is more to look at. */
  advance(steps: number): boolean {
    this.#stepsLeft = steps;
    while (this.#excess === undefined && this.#at < this.#json.length) {
      if (this.#stepsLeft <= 0) return false;
      if (this.#stringStart === -1) this.#structure();
      else if (!this.#string()) return false;
    }
    return true;
  }

  /** Up to the next string. */
  #structure(): void {
    const json = this.#json;
    const start = this.#at;
    const end = Math.min(json.length, start + this.#stepsLeft);
    let at = start;
    for (; at < end && this.#stringStart === -1 && this.#excess === undefined; at++) {
      const byte = json[at] as number;
      const kind = KINDS[byte];
      if (kind === SCALAR) {
        if (this.#depth <= 1) this.#top?.scalar(at);
      } else if (kind === STRING) this.#stringStart = at;
      else if (kind !== SPACE) this.#mark(kind as number, byte, at);
    }
    this.#at = at;
    this.#stepsLeft -= at - start;
  }

  #mark(kind: number, byte: number, at: number): void {
    if (kind === OPENING) this.#open(byte, at);
    else if (kind === CLOSING) {
      if (this.#depth > 0) this.#depth--;
      if (this.#depth <= TOLD_DEPTH) this.#top?.mark(byte, at, this.#depth);
    } else {
      if (this.#depth <= 1) this.#top?.mark(byte, at, this.#depth);
      if (kind === COLON) this.#countField();
      else if (++this.#values > JSON_MAX_VALUES)
        this.#excess = `more than ${JSON_MAX_VALUES} values`;
    }
  }

  #open(byte: number, at: number): void {
    if (this.#depth <= TOLD_DEPTH) this.#top?.mark(byte, at, this.#depth);
    this.#depth++;
    if (this.#depth > JSON_MAX_DEPTH) {
      this.#excess = `nested deeper than ${JSON_MAX_DEPTH} levels`;
    } else if (++this.#containers > JSON_MAX_CONTAINERS) {
      this.#excess = `more than ${JSON_MAX_CONTAINERS} objects and arrays`;
    } else this.#fieldsAt[this.#depth] = 0;
  }

  #countField(): void {
    if (this.#depth <= 1) this.#lastName = this.#lastString;
    const fields = (this.#fieldsAt[this.#depth] as number) + 1;
    this.#fieldsAt[this.#depth] = fields;
    if (fields > TOP_MAX_FIELDS && this.#depth <= 1) {
      this.#excess = `more than ${TOP_MAX_FIELDS} fields at the top`;
    } else if (fields > OBJECT_MAX_FIELDS) {
      this.#excess = `more than ${OBJECT_MAX_FIELDS} fields in one object`;
    } else if (++this.#fields > JSON_MAX_FIELDS) {
      this.#excess = `more than ${JSON_MAX_FIELDS} fields`;
    }
  }

  /** Up to the end of the string, by native search: strings are most of a request. False when the steps are used up. */
  #string(): boolean {
    const json = this.#json;
    while (this.#stepsLeft > 0) {
      if (this.#quote === -1) {
        this.#stepsLeft -= STRING_STEPS;
        this.#quote = json.indexOf(QUOTE, this.#at);
        this.#run = this.#quote;
        if (this.#quote === -1) {
          this.#at = json.length;
          return true;
        }
      }
      while (json[this.#run - 1] === BACKSLASH) {
        this.#run--;
        if (--this.#stepsLeft <= 0) return false;
      }
      const isEscaped = (this.#quote - this.#run) % 2 === 1;
      this.#at = this.#quote + 1;
      this.#quote = -1;
      if (isEscaped) continue;
      if (this.#depth <= 1) {
        this.#lastString = [this.#stringStart, this.#at];
        this.#top?.string(this.#stringStart, this.#at);
      }
      this.#stringStart = -1;
      return true;
    }
    return false;
  }
}
