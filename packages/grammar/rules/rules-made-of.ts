/**
 * The rules of which a property holds that they have through what they are made of: one alternative is enough, but all of
 * its items must have it. The least such set; each rule is looked at again when one that it uses has joined.
 */
import type { Item, Rule } from "./grammar.ts";

/** `holds` is asked of an item, with the rules that are known to have the property so far. */
export function rulesMadeOf(
  rules: readonly Rule[],
  holds: (item: Item, found: ReadonlySet<number>) => boolean,
): ReadonlySet<number> {
  const found = new Set<number>();
  const users = usersOf(rules);
  const todo = rules.map((_, index) => index);
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (found.has(index)) continue;
    const has = rules[index]?.alternatives.some((sequence) =>
      sequence.every((item) => holds(item, found)),
    );
    if (has !== true) continue;
    found.add(index);
    todo.push(...(users.get(index) ?? []));
  }
  return found;
}

/** For every rule those that speak of it. */
function usersOf(rules: readonly Rule[]): ReadonlyMap<number, readonly number[]> {
  const users = new Map<number, number[]>();
  rules.forEach(({ alternatives }, user) => {
    for (const item of alternatives.flat()) {
      if (item.kind !== "rule") continue;
      const list = users.get(item.rule);
      if (list === undefined) users.set(item.rule, [user]);
      else list.push(user);
    }
  });
  return users;
}
