/**
 * Reads GBNF as llama.cpp's parser does, and refuses what its engine would fail on.
 *
 * A grammar from a client reaches the engine only through here: undefined rules, left recursion (for which the engine
 * has no end) and repetitions that would unroll into too much are typed errors.
 */
import { DEFAULT_LIMITS, type Limits } from "../budget.ts";
import type { Grammar, Item, Rule, Sequence } from "../rules/grammar.ts";
import { GrammarError, grammarErrorAt } from "../grammar-error.ts";
import { ANY_CHAR, type CharSet, complement, setOf, union } from "../regular/char-set.ts";
import { leftRecursiveRule } from "../rules/left-recursion.ts";

/** llama.cpp refuses more. */
const MAX_REPETITIONS = 2000;
const MAX_NESTING = 200;

type Reader = {
  readonly text: string;
  at: number;
  depth: number;
  readonly rules: { name: string; alternatives: readonly Sequence[]; defined: boolean }[];
  readonly numbers: Map<string, number>;
  readonly limits: Limits;
  items: number;
};

type ReadOptions = { readonly limits?: Partial<Limits> };

export function readGbnf(text: string, { limits }: ReadOptions = {}): Grammar {
  const reader: Reader = {
    text,
    at: 0,
    depth: 0,
    rules: [],
    numbers: new Map(),
    limits: { ...DEFAULT_LIMITS, ...limits },
    items: 0,
  };
  if (text.length > reader.limits.textLength) {
    throw new GrammarError(
      "too_large",
      `the grammar is longer than ${reader.limits.textLength} characters`,
    );
  }
  space(reader, true);
  while (reader.at < text.length) ruleDefinition(reader);
  const missing = reader.rules.find(({ defined }) => !defined);
  if (missing !== undefined)
    throw new GrammarError("invalid", `the rule ${missing.name} is used and not defined`);
  const root = reader.numbers.get("root");
  if (root === undefined) throw new GrammarError("invalid", "the grammar has no rule named root");
  const rules: readonly Rule[] = reader.rules;
  const recursive = leftRecursiveRule(rules);
  if (recursive !== undefined) {
    throw new GrammarError(
      "unsupported",
      `the rule ${rules[recursive]?.name} begins with itself: rewrite its left recursion`,
    );
  }
  return { rules, root };
}

function ruleDefinition(reader: Reader): void {
  const rule = ruleNumber(reader, name(reader));
  space(reader, false);
  if (!reader.text.startsWith("::=", reader.at))
    throw invalid(reader, "::= after the name of a rule");
  reader.at += 3;
  space(reader, true);
  const alternatives = readAlternatives(reader, false);
  const entry = reader.rules[rule];
  if (entry !== undefined) Object.assign(entry, { alternatives, defined: true });
  if (reader.at < reader.text.length && !/[\r\n]/.test(reader.text[reader.at] ?? "")) {
    throw invalid(reader, "the end of the line");
  }
  space(reader, true);
}

function readAlternatives(reader: Reader, nested: boolean): readonly Sequence[] {
  if (++reader.depth > MAX_NESTING)
    throw new GrammarError("too_large", "the grammar's groups nest too deep");
  const alternatives = [readSequence(reader, nested)];
  while (reader.text[reader.at] === "|") {
    reader.at++;
    space(reader, true);
    alternatives.push(readSequence(reader, nested));
  }
  reader.depth--;
  return alternatives;
}

function readSequence(reader: Reader, nested: boolean): Sequence {
  const sequence: Item[] = [];
  for (;;) {
    const rulesBefore = reader.rules.length;
    const items = readItem(reader, nested);
    if (items === undefined) return sequence;
    // The engine counts the rules of a group, times its repetitions.
    let weight = reader.text[reader.at - 1] === ")" ? reader.rules.length - rulesBefore : 1;
    space(reader, nested);
    let repeated = items;
    for (
      let bounds = repetition(reader, nested);
      bounds !== undefined;
      bounds = repetition(reader, nested)
    ) {
      const times = bounds.max === Infinity ? bounds.min : bounds.max;
      weight = Math.max(1, weight) * Math.max(1, times);
      if (weight >= MAX_REPETITIONS) {
        throw new GrammarError(
          "too_large",
          `a repetition makes ${weight} rules, more than ${MAX_REPETITIONS - 1}`,
        );
      }
      repeated = repeat(repeated, bounds, reader);
      space(reader, nested);
    }
    sequence.push(...repeated);
  }
}

function readItem(reader: Reader, nested: boolean): Sequence | undefined {
  const next = reader.text[reader.at];
  count(reader, 1);
  if (next === '"') return literal(reader);
  if (next === "[") return [{ kind: "set", set: bracket(reader) }];
  if (next === ".") return (reader.at++, [{ kind: "set", set: ANY_CHAR }]);
  if (next === "(") {
    reader.at++;
    space(reader, true);
    const alternatives = readAlternatives(reader, true);
    if (reader.text[reader.at] !== ")") throw invalid(reader, "a closing )");
    reader.at++;
    return [synthesized(reader, alternatives)];
  }
  if (next === "<" || next === "!") {
    throw new GrammarError(
      "unsupported",
      "the grammar names tokens, which differ between models; name characters",
    );
  }
  if (next === undefined || !/[A-Za-z0-9-]/.test(next)) return undefined;
  if (!nested && /^[A-Za-z0-9-]+[ \t]*::=/.test(reader.text.slice(reader.at, reader.at + 200)))
    return undefined;
  return [{ kind: "rule", rule: ruleNumber(reader, name(reader)) }];
}

function repetition(reader: Reader, nested: boolean): { min: number; max: number } | undefined {
  const next = reader.text[reader.at];
  if (next === "*") return (reader.at++, { min: 0, max: Infinity });
  if (next === "+") return (reader.at++, { min: 1, max: Infinity });
  if (next === "?") return (reader.at++, { min: 0, max: 1 });
  if (next !== "{") return undefined;
  reader.at++;
  const number = (): number | undefined => {
    space(reader, nested);
    const digits = /^\d{1,9}/.exec(reader.text.slice(reader.at, reader.at + 9))?.[0];
    reader.at += digits?.length ?? 0;
    space(reader, nested);
    return digits === undefined ? undefined : Number(digits);
  };
  const min = number();
  if (min === undefined) throw invalid(reader, "a count after {");
  let max: number | undefined = min;
  if (reader.text[reader.at] === ",") {
    reader.at++;
    max = number() ?? Infinity;
  }
  if (reader.text[reader.at] !== "}") throw invalid(reader, "a closing }");
  reader.at++;
  if (min > max) throw invalid(reader, "a count that is at least the first");
  return { min, max };
}

/** Unrolled as the engine unrolls it, so that what is bounded here is bounded there. */
function repeat(
  items: Sequence,
  { min, max }: { min: number; max: number },
  reader: Reader,
): Sequence {
  const times = max === Infinity ? min : max;
  count(reader, times * items.length);
  const unit: Item =
    items.length === 1 && items[0] !== undefined ? items[0] : synthesized(reader, [items]);
  const result: Item[] = Array.from({ length: min }, () => unit);
  if (max === Infinity) {
    const rule = newRule(reader, "repeat");
    const self: Item = { kind: "rule", rule };
    Object.assign(reader.rules[rule] ?? {}, { alternatives: [[unit, self], []], defined: true });
    return [...result, self];
  }
  let rest: Item | undefined;
  for (let i = min; i < max; i++)
    rest = synthesized(reader, [rest === undefined ? [unit] : [unit, rest], []]);
  return rest === undefined ? result : [...result, rest];
}

function literal(reader: Reader): Sequence {
  let text = "";
  reader.at++;
  while (reader.text[reader.at] !== '"') text += String.fromCodePoint(char(reader));
  reader.at++;
  count(reader, text.length);
  return text === "" ? [] : [{ kind: "text", text }];
}

function bracket(reader: Reader): CharSet {
  reader.at++;
  const negated = reader.text[reader.at] === "^";
  if (negated) reader.at++;
  const ranges: [number, number][] = [];
  while (reader.text[reader.at] !== "]") {
    const from = char(reader);
    let to = from;
    if (reader.text[reader.at] === "-" && reader.text[reader.at + 1] !== "]") {
      reader.at++;
      to = char(reader);
    }
    ranges.push([from, to]);
  }
  reader.at++;
  count(reader, ranges.length);
  const set = union(setOf(...ranges));
  return negated ? complement(set) : set;
}

function char(reader: Reader): number {
  const { text, at } = reader;
  const point = text.codePointAt(at);
  if (point === undefined) throw invalid(reader, "a closing quote or bracket");
  if (point === 0x5c) return escape(reader);
  reader.at += point > 0xffff ? 2 : 1;
  return point;
}

function escape(reader: Reader): number {
  const { text, at } = reader;
  const kind = text[at + 1] ?? "";
  const digits = { x: 2, u: 4, U: 8 }[kind];
  if (digits !== undefined) {
    const hex = text.slice(at + 2, at + 2 + digits);
    const isHex = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits;
    if (!isHex || parseInt(hex, 16) > 0x10ffff) {
      throw invalid(reader, `${digits} hexadecimal digits of a character`);
    }
    reader.at += 2 + digits;
    return parseInt(hex, 16);
  }
  const control = { t: 9, r: 13, n: 10 }[kind];
  if (control === undefined && !/[\\"[\]-]/.test(kind)) {
    throw invalid(reader, "an escape that GBNF knows");
  }
  reader.at += 2;
  return control ?? kind.charCodeAt(0);
}

function synthesized(reader: Reader, alternatives: readonly Sequence[]): Item {
  const rule = newRule(reader, "group");
  Object.assign(reader.rules[rule] ?? {}, { alternatives, defined: true });
  return { kind: "rule", rule };
}

function newRule({ rules, limits }: Reader, hint: string): number {
  if (rules.length >= limits.rules) {
    throw new GrammarError("too_large", `the grammar has more than ${limits.rules} rules`);
  }
  return rules.push({ name: hint, alternatives: [], defined: false }) - 1;
}

function ruleNumber(reader: Reader, text: string): number {
  const known = reader.numbers.get(text);
  if (known !== undefined) return known;
  const rule = newRule(reader, text);
  reader.numbers.set(text, rule);
  return rule;
}

function name(reader: Reader): string {
  const start = reader.at;
  while (/[A-Za-z0-9-]/.test(reader.text[reader.at] ?? "")) reader.at++;
  if (reader.at === start) throw invalid(reader, "the name of a rule");
  return reader.text.slice(start, reader.at);
}

function space(reader: Reader, newlines: boolean): void {
  for (;;) {
    const next = reader.text[reader.at];
    if (next === "#") {
      while (reader.at < reader.text.length && !/[\r\n]/.test(reader.text[reader.at] ?? ""))
        reader.at++;
    } else if (next === " " || next === "\t" || (newlines && (next === "\n" || next === "\r"))) {
      reader.at++;
    } else return;
  }
}

function count(reader: Reader, items: number): void {
  reader.items += items;
  if (reader.items > reader.limits.steps)
    throw new GrammarError("too_large", "the grammar unrolls into too much");
}

function invalid({ text, at }: Reader, expected: string): GrammarError {
  const line = text.slice(0, at).split("\n").length;
  const found = text.slice(at, at + 20).split("\n", 1)[0];
  return grammarErrorAt(line, `has ${JSON.stringify(found)}, expected ${expected}`);
}
