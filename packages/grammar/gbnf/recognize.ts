/**
 * Follows a text through a grammar, as llama.cpp's engine does: a set of stacks, each waiting for a character.
 *
 * It says whether a text is accepted, which characters may follow, and which text must follow. Stacks share their
 * tails, so that a state costs what differs.
 */
import { GrammarError } from "../grammar-error.ts";
import type { Grammar } from "../rules/grammar.ts";
import { type CharSet, hasChar } from "../regular/char-set.ts";

/**
 * Stacks that may be open at once. Grammars that leave more to be decided are possible to write, and following them
 * would take ever longer.
 */
const STACKS_MAX = 8192;

/** A grammar laid out as one row of elements: a set of characters, the number of a rule, or the end of an alternative. */
export type Program = {
  readonly elements: readonly (CharSet | number | undefined)[];
  /** Where the alternatives of each rule begin. */
  readonly starts: readonly (readonly number[])[];
  readonly root: number;
};

type Stack = {
  readonly at: number;
  readonly below: Stack | undefined;
  readonly above: Map<number, Stack>;
  /** Of all that grew from the same start. */
  readonly number: number;
  readonly count: { made: number };
};

/** What is open after a text: the stacks that wait for a character, and whether the text may end here. */
export type State = { readonly waiting: readonly Stack[]; readonly complete: boolean };

export function programOf({ rules, root }: Grammar): Program {
  const elements: (CharSet | number | undefined)[] = [];
  const starts = rules.map(({ alternatives }) =>
    alternatives.map((sequence) => {
      const start = elements.length;
      for (const item of sequence) {
        if (item.kind === "rule") elements.push(item.rule);
        else if (item.kind === "set") elements.push(item.set);
        else
          for (const char of item.text)
            elements.push([char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]);
      }
      elements.push(undefined);
      return start;
    }),
  );
  return { elements, starts, root };
}

/** Whoever begins a text anew may do so from a state that it has; each call of this begins a memory of its own. */
export function startState(program: Program): State {
  const bottom: Stack = {
    at: -1,
    below: undefined,
    above: new Map(),
    number: 0,
    count: { made: 0 },
  };
  const found = new Set<Stack>();
  const seen = new Set<Stack>();
  let complete = false;
  for (const at of program.starts[program.root] ?? []) {
    if (settle(push(bottom, at), program, found, seen)) complete = true;
  }
  return { waiting: [...found], complete };
}

type Step = {
  /** Only where the grammar has the character itself, not a set with it. */
  readonly literally?: boolean;
};

/** @throws GrammarError when too much is left open */
export function nextState(
  state: State,
  char: number,
  program: Program,
  { literally = false }: Step = {},
): State {
  const found = new Set<Stack>();
  const seen = new Set<Stack>();
  let complete = false;
  for (const stack of state.waiting) {
    const element = program.elements[stack.at];
    if (!isSet(element) || !hasChar(element, char)) continue;
    if (literally && !isOneChar(element)) continue;
    if (settle(push(stack.below!, stack.at + 1), program, found, seen)) complete = true;
  }
  return { waiting: [...found], complete };
}

/** Walks a stack to where characters are awaited; true where it may end altogether. */
function settle(given: Stack, program: Program, found: Set<Stack>, seen: Set<Stack>): boolean {
  let complete = false;
  const todo = [given];
  for (let stack = todo.pop(); stack !== undefined; stack = todo.pop()) {
    if (seen.has(stack)) continue;
    seen.add(stack);
    if (seen.size > STACKS_MAX) {
      throw new GrammarError("too_large", `the grammar leaves more than ${STACKS_MAX} ways open`);
    }
    const element = program.elements[stack.at];
    if (isSet(element)) {
      found.add(stack);
    } else if (element === undefined) {
      const below = stack.below!;
      if (below.below === undefined) complete = true;
      else todo.push(push(below.below, below.at + 1));
    } else {
      // What ends its alternative need not be kept: recursion at the end does not grow the stack.
      const last = program.elements[stack.at + 1] === undefined;
      const base = last ? stack.below! : stack;
      for (const start of program.starts[element] ?? []) todo.push(push(base, start));
    }
  }
  return complete;
}

function push(below: Stack, at: number): Stack {
  const known = below.above.get(at);
  if (known !== undefined) return known;
  const { count } = below;
  const made: Stack = { at, below, above: new Map(), number: (count.made += 1), count };
  below.above.set(at, made);
  return made;
}

function isSet(element: CharSet | number | undefined): element is CharSet {
  return typeof element === "object";
}

function isOneChar(set: CharSet): boolean {
  return set.length === 2 && set[0] === set[1];
}

export function acceptsText(program: Program, text: string): boolean {
  return stateAfter(program, startState(program), text).complete;
}

export function stateAfter(program: Program, start: State, text: string): State {
  let state = start;
  for (const char of text) {
    state = nextState(state, char.codePointAt(0) ?? 0, program);
    if (state.waiting.length === 0 && !state.complete) return state;
  }
  return state;
}

/** Equal for states after which the same may follow; of states that grew from the same start. */
export function stateKey({ waiting, complete }: State): string {
  const numbers = waiting.map(({ number }) => number).toSorted((a, b) => a - b);
  return `${complete ? "e" : ""}${numbers.join()}`;
}

/** How many stacks are remembered since the start. */
export function stacksMade({ waiting }: State): number {
  return waiting[0]?.count.made ?? 0;
}

/** Whether any of the characters from `from` to `to` may follow. */
export function mayFollow(
  { waiting }: State,
  { elements }: Program,
  from: number,
  to: number,
): boolean {
  return waiting.some(({ at }) => {
    const set = elements[at];
    return isSet(set) && hasAny(set, from, to);
  });
}

function hasAny(set: CharSet, from: number, to: number): boolean {
  for (let i = 0; i < set.length; i += 2) {
    if ((set[i] ?? 0) <= to && (set[i + 1] ?? 0) >= from) return true;
  }
  return false;
}

/** The text that must follow: as long as one character alone is possible, and the end is not. */
export function forcedText(state: State, program: Program, most = 4096): string {
  let text = "";
  for (let at = state; text.length < most;) {
    const char = at.complete ? undefined : onlyChar(at, program);
    if (char === undefined) return text;
    text += String.fromCodePoint(char);
    at = nextState(at, char, program);
  }
  return text;
}

function onlyChar({ waiting }: State, { elements }: Program): number | undefined {
  let only: number | undefined;
  for (const { at } of waiting) {
    const set = elements[at];
    if (!isSet(set) || !isOneChar(set)) return undefined;
    if (only !== undefined && only !== set[0]) return undefined;
    only = set[0];
  }
  return only;
}
