/**
 * How many real schemas the grammar compiler takes, and whether it is ever wrong.
 *
 *     node bench/json-schema.ts FOLDER [--every N] [--from I] [--list KIND]
 *
 * FOLDER has files like those of JSONSchemaBench's `maskbench/data`: `{schema, tests: [{valid, data}]}`. An instance is
 * written as that benchmark's `maskbench/runner.py` writes it (Python's `json.dumps`: `, ` and `: `, members in the file's
 * order). A valid one must be accepted to its end, an invalid one must not even be a beginning.
 *
 * A grammar has one order of members. The benchmark's harness sorts nothing while it runs; its data were sorted before,
 * once, by `maskbench/creation/reorder.py`: into the order of the engine that it was made with, and only for the schemas
 * which that engine took. So there are two counts here. `as published` is the harness's own, order included. `sorted` does
 * for this compiler what `reorder.py` did for that engine: a valid instance counts as accepted where some order of its
 * members is, and an invalid one must be rejected in all orders. `order_error` is the difference. `--list` prints the files
 * of one kind: compile_error, order_error, validation_error, invalidation_error, or all.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileSchema } from "../packages/grammar/compile-schema.ts";
import { readGbnf } from "../packages/grammar/gbnf/read.ts";
import {
  type Program,
  type State,
  programOf,
  startState,
  stateAfter,
} from "../packages/grammar/gbnf/recognize.ts";
import { GrammarError } from "../packages/grammar/grammar-error.ts";
import type { Json } from "../packages/grammar/json.ts";

type Case = {
  readonly schema: Json;
  readonly tests: readonly { readonly valid: boolean; readonly data: unknown }[];
};

/** Orders of members that are tried before an instance counts as rejected. */
const MAX_TRIES = { valid: 20_000, invalid: 500 } as const;

class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    every: { type: "string", default: "1" },
    list: { type: "string", default: "" },
    from: { type: "string", default: "0" },
  },
});
const folder = positionals[0];
if (folder === undefined) throw new Error("say the folder with the benchmark's files");

const counts: Record<string, number> = {};
const reasons = new Map<string, number>();
const compileMs: number[] = [];
const lengths: number[] = [];
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .toSorted()
  .filter((_, i) => i % Number(options.every) === Number(options.from));
for (const name of files) {
  const { kind, detail } = judge(readFileSync(join(folder, name), "utf8"));
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (kind === "compile_error") {
    const reason = detail
      .replaceAll(/"(?:[^"\\]|\\.)*"/g, "…")
      .replaceAll(/\d+/g, "N")
      .replace(/^#\S*?\/?([\w$]+)?: /, "$1: ");
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (kind === options.list || options.list === "all") {
    console.log(kind, name, detail.slice(0, 600));
  }
}
console.log(`${files.length} schemas`, counts);
printCounts();
console.log(
  [...reasons]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 40)
    .map(([reason, count]) => `${count} ${reason}`)
    .join("\n"),
);
const quantile = (list: number[], share: number) =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? 0;
console.log(
  "compile ms p50 p95 p99 max",
  [0.5, 0.95, 0.99, 0.99999].map((share) => quantile(compileMs, share).toFixed(1)).join(" "),
);
console.log(
  "GBNF characters p50 p95 p99 max",
  [0.5, 0.95, 0.99, 0.99999].map((share) => quantile(lengths, share)).join(" "),
);

function printCounts(): void {
  const passing = countOf("passing") + countOf("passing_without_tests");
  console.table({
    passing: { "as published": passing, sorted: passing + countOf("order_error") },
    "compile error": same(countOf("compile_error")),
    "validation error": {
      "as published": countOf("validation_error") + countOf("order_error"),
      sorted: countOf("validation_error"),
    },
    "invalidation error": same(countOf("invalidation_error")),
    crash: same(countOf("crash")),
  });
}

function countOf(kind: string): number {
  return counts[kind] ?? 0;
}

function same(count: number) {
  return { "as published": count, sorted: count };
}

function judge(source: string): { kind: string; detail: string } {
  const { schema, tests } = JSON.parse(source) as Case;
  const exact = JSON.parse(source, keepNumbers) as Case;
  let gbnf: string;
  const before = performance.now();
  try {
    gbnf = compileSchema(schema);
  } catch (error) {
    if (error instanceof GrammarError) return { kind: "compile_error", detail: error.message };
    return { kind: "crash", detail: String((error as Error).stack) };
  } finally {
    compileMs.push(performance.now() - before);
  }
  lengths.push(gbnf.length);
  const means = { program: programOf(readGbnf(gbnf)), orders: declaredOrders(schema) };
  return judgeTests(tests, exact.tests, means);
}

/** The names of every `properties` in a schema. */
type Orders = readonly (readonly string[])[];

function declaredOrders(schema: Json): Orders {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties } = schema as { readonly properties?: Json };
  const own =
    typeof properties === "object" && properties !== null ? [Object.keys(properties)] : [];
  return [...own, ...Object.values(schema).flatMap(declaredOrders)];
}

/** In the order of that `properties` which names most of them: what is tried first. */
function inDeclaredOrder(members: [string, unknown][], orders: Orders): [string, unknown][] {
  const names = members.map(([name]) => name);
  const shared = (order: readonly string[]) => names.filter((name) => order.includes(name)).length;
  const best = orders.reduce<readonly string[]>((a, b) => (shared(b) > shared(a) ? b : a), []);
  const rank = (name: string) => (best.includes(name) ? best.indexOf(name) : best.length);
  return members.toSorted(([a], [b]) => rank(a) - rank(b));
}

type Means = { readonly program: Program; readonly orders: Orders };

function judgeTests(tests: Case["tests"], exact: Case["tests"], means: Means) {
  let orderError: string | undefined;
  for (const [i, { valid }] of tests.entries()) {
    const data = exact[i]?.data;
    const detail = `test ${i}: ${pythonText(data)}`;
    const wrong = valid ? errorOfValid(data, means) : errorOfInvalid(data, means);
    if (wrong === "order_error") orderError ??= detail;
    else if (wrong !== undefined) return { kind: wrong, detail };
  }
  if (orderError !== undefined) return { kind: "order_error", detail: orderError };
  return { kind: tests.length === 0 ? "passing_without_tests" : "passing", detail: "" };
}

function errorOfValid(data: unknown, means: Means) {
  if (verdictOn(data, means) === "accepted") return undefined;
  const isAccepted = acceptsInSomeOrder(data, means, MAX_TRIES.valid);
  return isAccepted ? "order_error" : "validation_error";
}

function errorOfInvalid(data: unknown, means: Means) {
  const isRejected =
    verdictOn(data, means) === "rejected" && !acceptsInSomeOrder(data, means, MAX_TRIES.invalid);
  return isRejected ? undefined : "invalidation_error";
}

/** In the order of the file. */
function verdictOn(data: unknown, { program }: Means): "accepted" | "begun" | "rejected" {
  const { complete, waiting } = stateAfter(program, startState(program), pythonText(data));
  if (complete) return "accepted";
  return waiting.length > 0 ? "begun" : "rejected";
}

/** Numbers as the file writes them: Python keeps 1.0 apart from 1. */
function keepNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? new NumberText(context?.source ?? String(value)) : value;
}

function pythonText(value: unknown): string {
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, each]) => `${JSON.stringify(key)}: ${pythonText(each)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}

function acceptsInSomeOrder(data: unknown, { program, orders }: Means, maxTries: number): boolean {
  let tries = 0;
  type Next = (state: State) => boolean;
  const after = (state: State, text: string, next: Next): boolean => {
    const reached = stateAfter(program, state, text);
    return reached.waiting.length + Number(reached.complete) > 0 && next(reached);
  };
  const write = (given: unknown, state: State, next: Next): boolean => {
    if (Array.isArray(given)) return after(state, "[", (at) => items(given, at, next));
    if (given instanceof NumberText || typeof given !== "object" || given === null) {
      return after(state, pythonText(given), next);
    }
    return after(state, "{", (at) =>
      members(inDeclaredOrder(Object.entries(given), orders), "", at, next),
    );
  };
  const items = (given: readonly unknown[], state: State, next: Next, comma = ""): boolean => {
    if (given.length === 0) return after(state, "]", next);
    const then: Next = (at) => items(given.slice(1), at, next, ", ");
    return after(state, comma, (at) => write(given[0], at, then));
  };
  const members = (
    left: readonly [string, unknown][],
    comma: string,
    state: State,
    next: Next,
  ): boolean => {
    if (left.length === 0) return after(state, "}", next);
    const mayCome = (at: State, [key]: [string, unknown], before: string) =>
      after(at, `${before}${JSON.stringify(key)}: `, () => true);
    const possible = left.filter((member) => mayCome(state, member, comma));
    // What might have come now should be possible still. Else it is lost, or comes behind a member that has to be first:
    // that is tried where nothing else leads to the end.
    return [true, false].some((keepsOthers) =>
      possible.some((member) => {
        if (++tries > maxTries) return false;
        const [key, value] = member;
        const others = possible.filter((other) => other !== member);
        const rest = left.filter((other) => other !== member);
        const then: Next = (at) =>
          others.every((other) => mayCome(at, other, ", ")) === keepsOthers &&
          members(rest, ", ", at, next);
        return after(state, `${comma}${JSON.stringify(key)}: `, (at) => write(value, at, then));
      }),
    );
  };
  return write(data, startState(program), ({ complete }) => complete);
}
