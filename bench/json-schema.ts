/**
 * How many real schemas the grammar compiler takes, and whether it is ever wrong.
 *
 *     node bench/json-schema.ts FOLDER [--every N] [--list KIND]
 *
 * FOLDER has files like those of JSONSchemaBench's `maskbench/data`: `{schema, tests: [{valid, data}]}`. An instance is
 * written as that benchmark writes it (Python's `json.dumps`: `, ` and `: `, members in the file's order) and must be
 * accepted to its end. `--list` prints the files of one kind: compile_error, validation_error, invalidation_error.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileSchema } from "../packages/grammar/compile-schema.ts";
import { readGbnf } from "../packages/grammar/gbnf/read.ts";
import { acceptsText, programOf } from "../packages/grammar/gbnf/recognize.ts";
import { GrammarError } from "../packages/grammar/grammar-error.ts";
import type { Json } from "../packages/grammar/json.ts";

type Case = {
  readonly schema: Json;
  readonly tests: readonly { readonly valid: boolean; readonly data: unknown }[];
};

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
  if (kind === options.list) console.log(name, detail.slice(0, 600));
}
console.log(`${files.length} schemas`, counts);
console.log(
  [...reasons]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 40)
    .map(([reason, count]) => `${count} ${reason}`)
    .join("\n"),
);
const at = (list: number[], share: number) =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? 0;
console.log(
  "compile ms p50 p95 p99 max",
  [0.5, 0.95, 0.99, 0.99999].map((share) => at(compileMs, share).toFixed(1)).join(" "),
);
console.log(
  "GBNF characters p50 p95 p99 max",
  [0.5, 0.95, 0.99, 0.99999].map((share) => at(lengths, share)).join(" "),
);

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
  const program = programOf(readGbnf(gbnf));
  for (const [i, { valid }] of tests.entries()) {
    const text = pythonText(exact.tests[i]?.data);
    if (acceptsText(program, text) === valid) continue;
    return {
      kind: valid ? "validation_error" : "invalidation_error",
      detail: `test ${i}: ${text}`,
    };
  }
  return { kind: tests.length === 0 ? "passing_without_tests" : "passing", detail: "" };
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
