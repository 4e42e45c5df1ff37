/**
 * From an expression to its smallest automaton.
 *
 * The characters are first cut into classes that the whole expression treats alike; the automaton's states are the
 * derivatives by one character of each class. Hopcroft's algorithm then merges states that accept the same.
 */
import type { Budget } from "../budget.ts";
import { GrammarError } from "../grammar-error.ts";
import { ANY_CHAR, type CharSet } from "./char-set.ts";
import type { Dfa, Transition } from "./dfa.ts";
import type { Expression, Expressions } from "./expression.ts";
import { minimize } from "./minimize.ts";

type CharClass = { readonly from: number; readonly to: number };

export function buildDfa(expression: Expression, of: Expressions, budget: Budget): Dfa {
  const classes = classesOf(expression, budget);
  const states = new Map<number, number>([[expression.id, 0]]);
  const queue = [expression];
  const table: Int32Array[] = [];
  const accepting: boolean[] = [];
  for (let i = 0; i < queue.length; i++) {
    const state = queue[i] ?? expression;
    budget.spend(classes.length * costOf(state));
    accepting.push(state.nullable);
    const row = new Int32Array(classes.length).fill(-1);
    table.push(row);
    for (let k = 0; k < classes.length; k++) {
      const next = of.derive(state, classes[k]?.from ?? 0);
      if (next === of.never) continue;
      let target = states.get(next.id);
      if (target === undefined) {
        target = queue.length;
        states.set(next.id, target);
        queue.push(next);
        if (queue.length > budget.limits.automatonStates) {
          throw new GrammarError("too_large", "the allowed texts need too large an automaton");
        }
      }
      row[k] = target;
    }
  }
  budget.spend(table.length * classes.length);
  const minimal = minimize({ table, accepting, classCount: classes.length });
  return {
    start: minimal.start,
    accepting: minimal.accepting,
    transitions: minimal.table.map((row) => rangesOf(row, classes)),
  };
}

function rangesOf(row: Int32Array, classes: readonly CharClass[]): readonly Transition[] {
  const ranges: { from: number; to: number; target: number }[] = [];
  classes.forEach(({ from, to }, k) => {
    const target = row[k] ?? -1;
    if (target < 0) return;
    const last = ranges.at(-1);
    if (last !== undefined && last.target === target && last.to + 1 === from) last.to = to;
    else ranges.push({ from, to, target });
  });
  return ranges;
}

/** Derivatives of large choices cost in proportion to their parts. */
function costOf(state: Expression): number {
  return state.kind === "or" || state.kind === "and" ? state.parts.length : 1;
}

function classesOf(expression: Expression, budget: Budget): readonly CharClass[] {
  const starts = new Set<number>();
  startsOfSet(ANY_CHAR, starts);
  const seen = new Set<number>();
  const automata = new Set<Dfa>();
  const todo = [expression];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next.id)) continue;
    seen.add(next.id);
    budget.spend(1);
    if (next.kind === "set") startsOfSet(next.set, starts);
    else if (next.kind === "automaton") automata.add(next.dfa);
    else todo.push(...partsOf(next));
  }
  for (const { transitions } of automata) {
    budget.spend(transitions.length);
    for (const { from, to } of transitions.flat()) starts.add(from).add(to + 1);
  }
  const sorted = [...starts].toSorted((a, b) => a - b);
  return sorted.slice(0, -1).flatMap((from, i) => {
    const to = (sorted[i + 1] ?? 0) - 1;
    return from >= 0xd800 && to <= 0xdfff ? [] : [{ from, to }];
  });
}

function startsOfSet(set: CharSet, starts: Set<number>): void {
  for (let i = 0; i < set.length; i += 2) starts.add(set[i] ?? 0).add((set[i + 1] ?? 0) + 1);
}

function partsOf(of: Expression): readonly Expression[] {
  if (of.kind === "concat") return [of.first, of.rest];
  if (of.kind === "or" || of.kind === "and") return of.parts;
  return of.kind === "not" || of.kind === "repeat" ? [of.body] : [];
}
