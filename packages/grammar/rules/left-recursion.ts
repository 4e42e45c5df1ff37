/** Finds a rule that can begin with itself, directly or through others and what may be empty. */
import type { Rule } from "./grammar.ts";
import { rulesMadeOf } from "./rules-made-of.ts";

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
  return rulesMadeOf(rules, (item, nullable) =>
    item.kind === "rule" ? nullable.has(item.rule) : item.kind === "text" && item.text === "",
  );
}
