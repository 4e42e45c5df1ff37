/**
 * Text that arrives in pieces, read by coroutines: a reader asks for the next character and is suspended until it is
 * there, so how the text was cut makes no difference to it.
 */
export type Reading<Result> = Generator<void, Result, void>;

export class Input {
  #text = "";
  #ended = false;
  #askedBeyond = false;
  position = 0;

  add(piece: string): void {
    this.#text += piece;
  }

  /** Nothing follows any more. */
  end(): void {
    this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether a reader has asked for more than there was since the beginning of what may be gone back to. */
  get endedInside(): boolean {
    return this.#askedBeyond;
  }

  /** What is there and has not been read. */
  get rest(): string {
    return this.#text.slice(this.position);
  }

  take(length: number): string {
    this.position += length;
    return this.#text.slice(this.position - length, this.position);
  }

  /** Nobody goes back behind here. */
  forget(): void {
    this.#text = this.rest;
    this.position = 0;
    this.#askedBeyond = false;
  }

  /** The next character without reading it, a UTF-16 unit; empty at the end. */
  *peek(): Reading<string> {
    while (this.position >= this.#text.length) {
      if (this.#ended) {
        this.#askedBeyond = true;
        return "";
      }
      yield;
    }
    return this.#text[this.position] ?? "";
  }
}

export function* skipSpace(input: Input): Reading<void> {
  while (isSpace(yield* input.peek())) input.position += 1;
}

function isSpace(char: string): boolean {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}

const PARTS = /\s+|\{n\}|\{id\}|\{name\}|[^\s{]+|\{/g;
const OF_NAMES = /[A-Za-z0-9_.-]/;
const PLACEHOLDERS: ReadonlyMap<string, RegExp> = new Map([
  ["{n}", /\d/],
  ["{id}", /[A-Za-z0-9]/],
  ["{name}", OF_NAMES],
]);

/**
 * Whether `literal` comes next; then it has been read, and otherwise nothing has. White space in it stands for any, also
 * for none.
 */
export function* reads(literal: string, input: Input): Reading<boolean> {
  const start = input.position;
  for (const [part] of literal.matchAll(PARTS)) {
    const placeholder = PLACEHOLDERS.get(part);
    if (part.trim() === "") yield* skipSpace(input);
    else if (placeholder !== undefined) yield* skipMatching(placeholder, input);
    else {
      for (const char of part.split("")) {
        if ((yield* input.peek()) !== char) {
          input.position = start;
          return false;
        }
        input.position += 1;
      }
    }
  }
  return true;
}

function* skipMatching(pattern: RegExp, input: Input): Reading<void> {
  for (;;) {
    const char = yield* input.peek();
    if (char === "" || !pattern.test(char)) return;
    input.position += 1;
  }
}

/** A name of one of these tools: as far as characters of names go. */
export function* readsName(names: ReadonlySet<string>, input: Input): Reading<string | undefined> {
  const start = input.position;
  yield* skipMatching(OF_NAMES, input);
  const length = input.position - start;
  input.position = start;
  const name = input.take(length);
  if (names.has(name)) return name;
  input.position = start;
  return undefined;
}
