/** Finds a rule that can begin with itself, directly or through others and what may be empty. */
import type { Rule } from "./grammar.ts";

export function leftRecursiveRule(rules: readonly Rule[]): number | undefined {
  const nullable = nullableRules(rules);
  const done = new Set<number>();
  const open = new Set<number>();
  const firsts = rules.map(({ alternatives }) => {
    const reached: number[] = [];
    for (const sequence of alternatives) {
      for (const item of sequence) {
        if (item.kind === "rule") reached.push(item.rule);
        if (item.kind !== "rule" || !nullable.has(item.rule)) break;
      }
    }
    return reached;
  });
  for (let start = 0; start < rules.length; start++) {
    // Iterative: a chain of rules may be longer than the call stack.
    const path: { rule: number; next: number }[] = [{ rule: start, next: 0 }];
    open.clear();
    open.add(start);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const child = firsts[top.rule]?.[top.next++];
      if (done.has(top.rule) || child === undefined) {
        done.add(top.rule);
        open.delete(top.rule);
        path.pop();
      } else if (open.has(child)) return child;
      else if (!done.has(child)) {
        open.add(child);
        path.push({ rule: child, next: 0 });
      }
    }
  }
  return undefined;
}

function nullableRules(rules: readonly Rule[]): ReadonlySet<number> {
  const nullable = new Set<number>();
  const users = usersOf(rules);
  const todo = rules.map((_, i) => i);
  for (let i = todo.pop(); i !== undefined; i = todo.pop()) {
    if (nullable.has(i)) continue;
    const empty = rules[i]?.alternatives.some((sequence) =>
      sequence.every((item) =>
        item.kind === "rule" ? nullable.has(item.rule) : item.kind === "text" && item.text === "",
      ),
    );
    if (empty !== true) continue;
    nullable.add(i);
    todo.push(...(users.get(i) ?? []));
  }
  return nullable;
}

/** For every rule those that speak of it. */
export function usersOf(rules: readonly Rule[]): ReadonlyMap<number, readonly number[]> {
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
