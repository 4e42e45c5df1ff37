/**
 * Follows a text through a grammar, as llama.cpp's engine does: a set of stacks, each waiting for a character.
 *
 * It says whether a text is accepted, which characters may follow, and which text must follow. Stacks share their
 * tails, so that a state costs what differs.
 */
import type { Grammar } from "../rules/grammar.ts";
import { type CharSet, hasChar } from "../regular/char-set.ts";

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

export function startState(program: Program): State {
  const bottom: Stack = { at: -1, below: undefined, above: new Map() };
  const found = new Set<Stack>();
  const seen = new Set<Stack>();
  let complete = false;
  for (const at of program.starts[program.root] ?? []) {
    if (settle(push(bottom, at), program, found, seen)) complete = true;
  }
  return { waiting: [...found], complete };
}

export function nextState(state: State, char: number, program: Program): State {
  const found = new Set<Stack>();
  const seen = new Set<Stack>();
  let complete = false;
  for (const stack of state.waiting) {
    const element = program.elements[stack.at];
    if (!isSet(element) || !hasChar(element, char)) continue;
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
  const made: Stack = { at, below, above: new Map() };
  below.above.set(at, made);
  return made;
}

function isSet(element: CharSet | number | undefined): element is CharSet {
  return typeof element === "object";
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
    if (!isSet(set) || set.length !== 2 || set[0] !== set[1]) return undefined;
    if (only !== undefined && only !== set[0]) return undefined;
    only = set[0];
  }
  return only;
}
