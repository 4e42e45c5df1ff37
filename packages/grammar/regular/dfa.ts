/**
 * Deterministic automata over code points.
 *
 * A state without a transition for a character rejects it. Transitions of a state are ranges in ascending order that do
 * not overlap.
 */

export type Transition = { readonly from: number; readonly to: number; readonly target: number };

export type Dfa = {
  readonly start: number;
  readonly accepting: readonly boolean[];
  readonly transitions: readonly (readonly Transition[])[];
};

export function nextState(dfa: Dfa, state: number, char: number): number | undefined {
  const transitions = dfa.transitions[state] ?? [];
  let low = 0;
  let high = transitions.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const transition = transitions[middle];
    if (transition === undefined) return undefined;
    if (char < transition.from) high = middle - 1;
    else if (char > transition.to) low = middle + 1;
    else return transition.target;
  }
  return undefined;
}

export function accepts(dfa: Dfa, text: string): boolean {
  let state: number | undefined = dfa.start;
  for (const char of text) {
    state = nextState(dfa, state, char.codePointAt(0) ?? 0);
    if (state === undefined) return false;
  }
  return dfa.accepting[state] ?? false;
}

/** After minimisation the empty language is the automaton that has no accepting state. */
export function isEmptyLanguage(dfa: Dfa): boolean {
  return !dfa.accepting.includes(true);
}

/** The trie of some texts: it accepts exactly them. */
export function trieOf(texts: readonly string[]): Dfa {
  const children: Map<number, number>[] = [new Map()];
  const accepting = [false];
  for (const text of texts) {
    let state = 0;
    for (const char of text) {
      const point = char.codePointAt(0) ?? 0;
      let next = children[state]?.get(point);
      if (next === undefined) {
        next = children.length;
        children.push(new Map());
        accepting.push(false);
        children[state]?.set(point, next);
      }
      state = next;
    }
    accepting[state] = true;
  }
  const transitions = children.map((of) =>
    [...of]
      .toSorted((a, b) => a[0] - b[0])
      .map(([char, target]) => ({ from: char, to: char, target })),
  );
  return { start: 0, accepting, transitions };
}
