/**
 * Follows a grammar byte by byte, and remembers every step: where a text has been before, the next byte is one look-up.
 *
 * Tokens are bytes, and may end inside a character. What is open then is a range of characters; ranges inside which the
 * grammar makes no difference are one state, so that thousands of characters do not become thousands of states.
 */
import { GrammarError } from "../grammar-error.ts";
import {
  mayFollow,
  nextState,
  type Program,
  stacksMade,
  startState,
  type State,
  stateKey,
} from "../gbnf/recognize.ts";

/** A character of which `left` bytes are missing: it will be one from `from` to `to`. */
type Opened = { readonly left: number; readonly from: number; readonly to: number };

export type ByteState = {
  readonly state: State;
  readonly opened: Opened | undefined;
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** By byte; null where none leads on, and missing where nobody has asked. */
  readonly next: (ByteState | null)[];
};

/** A state with its look-ups takes about two kilobytes. */
const STATES_MAX = 8192;
const STACKS_MAX = 200_000;

/**
 * Stacks that are looked at between two calls of `begin`. Following a schema takes a hundredth of it for a whole
 * vocabulary; what takes more would keep everybody waiting.
 */
const WORK_MAX = 200_000;

export class ByteAutomaton {
  readonly program: Program;
  readonly start: ByteState;
  readonly #known = new Map<string, ByteState>();
  #workLeft = WORK_MAX;
  /** Where the grammar begins to make a difference: the first characters of its classes, in order. */
  readonly #classes: Uint32Array;

  constructor(program: Program) {
    this.program = program;
    this.#classes = classesOf(program);
    this.start = this.#intern(startState(program), undefined) ?? nothing();
  }

  /** Whether it remembers so much that a new one should take its place. Who follows it may go on. */
  get isFull(): boolean {
    return this.#known.size > STATES_MAX || stacksMade(this.start.state) > STACKS_MAX;
  }

  /** Before the work for one token. */
  begin(): void {
    this.#workLeft = WORK_MAX;
  }

  /** Undefined where the grammar does not allow the byte. @throws GrammarError when too much is left open */
  next(state: ByteState, byte: number): ByteState | undefined {
    const known = state.next[byte];
    if (known !== undefined) return known ?? undefined;
    const found = this.#find(state, byte);
    state.next[byte] = found ?? null;
    return found;
  }

  follow(state: ByteState, bytes: Uint8Array): ByteState | undefined {
    let at: ByteState | undefined = state;
    for (const byte of bytes) {
      at = this.next(at, byte);
      if (at === undefined) return undefined;
    }
    return at;
  }

  #find({ state, opened }: ByteState, byte: number): ByteState | undefined {
    const now = opened === undefined ? openedBy(byte) : narrowed(opened, byte);
    if (now === undefined) return undefined;
    if (now.left > 0) {
      return mayFollow(state, this.program, now.from, now.to)
        ? this.#intern(state, now)
        : undefined;
    }
    const before = stacksMade(state);
    const next = nextState(state, now.from, this.program);
    this.#spend(state.waiting.length + next.waiting.length + stacksMade(state) - before);
    return this.#intern(next, undefined);
  }

  #spend(stacks: number): void {
    this.#workLeft -= stacks;
    if (this.#workLeft >= 0) return;
    throw new GrammarError("too_large", "the grammar leaves too many ways open to be followed");
  }

  #intern(state: State, opened: Opened | undefined): ByteState | undefined {
    if (state.waiting.length === 0 && !state.complete) return undefined;
    const key =
      opened === undefined ? stateKey(state) : `${stateKey(state)} ${this.#keyOf(opened)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const complete = state.complete && opened === undefined;
    const made: ByteState = { state, opened, complete, next: [] };
    this.#known.set(key, made);
    return made;
  }

  #keyOf({ left, from, to }: Opened): string {
    const [first, last] = [this.#classAt(from), this.#classAt(to)];
    // Any continuation is as good as another: the range is whole, and of one class.
    const isWhole = to - from + 1 === 64 ** left;
    return isWhole && first === last ? `${left}*${first}` : `${left}:${from}`;
  }

  #classAt(char: number): number {
    let [low, high] = [0, this.#classes.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#classes[middle] ?? 0) <= char) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function classesOf({ elements }: Program): Uint32Array {
  const starts = new Set([0]);
  // Of many elements most have the same few sets.
  for (const element of new Set(elements)) {
    if (typeof element !== "object") continue;
    for (const [index, char] of element.entries()) starts.add(index % 2 === 0 ? char : char + 1);
  }
  return Uint32Array.from(starts).toSorted();
}

/** What the first byte of a character says of it, in the ranges that UTF-8 allows. */
function openedBy(byte: number): Opened | undefined {
  if (byte < 0x80) return { left: 0, from: byte, to: byte };
  if (byte < 0xc2 || byte > 0xf4) return undefined;
  const left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  const from = (byte & (0x3f >> left)) << (6 * left);
  return {
    left,
    from: byte === 0xe0 ? 0x800 : byte === 0xf0 ? 0x10000 : from,
    to: byte === 0xed ? 0xd7ff : byte === 0xf4 ? 0x10ffff : from + 64 ** left - 1,
  };
}

function narrowed({ left, from, to }: Opened, byte: number): Opened | undefined {
  if (byte >> 6 !== 0b10) return undefined;
  const rest = 64 ** (left - 1);
  const base = Math.floor(from / (64 * rest)) * 64 * rest + (byte & 0x3f) * rest;
  const [low, high] = [Math.max(from, base), Math.min(to, base + rest - 1)];
  return low > high ? undefined : { left: left - 1, from: low, to: high };
}

/** A grammar without any text. */
function nothing(): ByteState {
  return { state: { waiting: [], complete: false }, opened: undefined, complete: false, next: [] };
}
