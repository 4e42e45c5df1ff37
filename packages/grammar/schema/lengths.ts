/**
 * Languages of strings taken apart into how many characters they have and what else is said of them.
 *
 * In an automaton a length multiplies the states, so what can be found out without one is.
 */
import { type Dfa, isEmptyLanguage } from "../regular/dfa.ts";
import type { Expression, Expressions } from "../regular/expression.ts";
import { dfaOf } from "./inside.ts";
import type { Schemas } from "./unfold.ts";

type Measured = { readonly others: Expression; readonly min: number; readonly max: number };

export function measured(language: Expression, of: Expressions): Measured {
  const parts = language.kind === "and" ? language.parts : [language];
  const counts = parts.flatMap((part) =>
    part.kind === "repeat" && part.body === of.any ? [part] : [],
  );
  return {
    others: of.and(...parts.filter((part) => !counts.some((count) => count === part))),
    min: Math.max(0, ...counts.map(({ min }) => min)),
    max: Math.min(Infinity, ...counts.map(({ max }) => max)),
  };
}

/** Whether surely no text is in the language. */
export function isNothing(language: Expression, schemas: Schemas): boolean {
  if (language === schemas.of.never) return true;
  if (language.nullable || !mayConflict(language)) return false;
  if (language.kind === "or") return language.parts.every((part) => isNothing(part, schemas));
  const { others, min, max } = measured(language, schemas.of);
  const dfa = dfaOf(others, schemas);
  return isEmptyLanguage(dfa) || !hasTextOf(dfa, { min, max }, schemas);
}

/** Only an intersection or a complement can be empty without saying so. */
function mayConflict(language: Expression): boolean {
  if (language.kind === "or") return language.parts.every(mayConflict);
  if (language.kind === "concat") return mayConflict(language.first) || mayConflict(language.rest);
  return language.kind === "and" || language.kind === "not";
}

/** Of all texts that are long enough, the shortest has less than one more character for each state. */
function hasTextOf(
  { start, accepting, transitions }: Dfa,
  { min, max }: Pick<Measured, "min" | "max">,
  { budget }: Schemas,
): boolean {
  let states = new Set([start]);
  for (let length = 0; length <= Math.min(max, min + transitions.length); length++) {
    if (length >= min && [...states].some((state) => accepting[state])) return true;
    const next = new Set<number>();
    for (const state of states) {
      budget.spend(transitions[state]?.length ?? 0);
      for (const { target } of transitions[state] ?? []) next.add(target);
    }
    states = next;
  }
  return false;
}
