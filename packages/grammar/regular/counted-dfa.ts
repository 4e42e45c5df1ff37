/**
 * An automaton that counts: of the texts of another those of some length.
 *
 * Its states are pairs of a state and a length, as far as the length matters and an end can still be reached.
 */
import type { Budget } from "../budget.ts";
import type { Dfa, Transition } from "./dfa.ts";

type Lengths = { readonly min: number; readonly max: number };

export function countedDfa(dfa: Dfa, { min, max }: Lengths, budget: Budget): Dfa {
  const toEnd = distancesToEnd(dfa, budget);
  const numbers = new Map<string, number>();
  const pairs: (readonly [state: number, length: number])[] = [];
  const numberOf = (state: number, length: number): number => {
    const key = `${state},${length}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, pairs.length);
    pairs.push([state, length]);
    return pairs.length - 1;
  };
  const start = numberOf(dfa.start, 0);
  const accepting: boolean[] = [];
  const transitions: Transition[][] = [];
  for (const [state, length] of pairs) {
    const outgoing = dfa.transitions[state] ?? [];
    budget.spend(1 + outgoing.length);
    accepting.push(length >= min && dfa.accepting[state] === true);
    const next = max === Infinity ? Math.min(length + 1, min) : length + 1;
    const reachable = outgoing.filter(({ target }) => next + (toEnd[target] ?? Infinity) <= max);
    transitions.push(
      reachable.map(({ from, to, target }) => ({ from, to, target: numberOf(target, next) })),
    );
  }
  return { start, accepting, transitions };
}

/** Of each state the fewest characters after which a text may end. */
function distancesToEnd({ accepting, transitions }: Dfa, budget: Budget): readonly number[] {
  const distances = accepting.map((yes) => (yes ? 0 : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    transitions.forEach((outgoing, state) => {
      budget.spend(outgoing.length);
      const best = Math.min(...outgoing.map(({ target }) => 1 + (distances[target] ?? Infinity)));
      if (best >= (distances[state] ?? Infinity)) return;
      distances[state] = best;
      changed = true;
    });
  }
  return distances;
}
