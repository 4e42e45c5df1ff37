/**
 * How many questions of the Berkeley Function-Calling Leaderboard one model answers with the right calls, behind this server
 * and behind llama-server.
 *
 *     node bench/bfcl.ts --model FILE.gguf --data FOLDER [--sample N] [--seed N]
 *
 * FOLDER is `bfcl_eval/data` of the Python package `bfcl-eval` (`pip download --no-deps bfcl-eval`, and unzip). Asked are the
 * non-live categories whose calls are compared as Python; of each `--sample` questions, drawn by `--seed`. Both servers get
 * the same requests, at temperature 0 and with `tool_choice: "auto"`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import OpenAI from "openai";
import { seededRandom } from "../test/support/seeded-random.ts";
import {
  apiName,
  type Called,
  type FunctionOfQuestion,
  isRight,
  type Wanted,
} from "./bfcl/judge.ts";
import { buildLlamaServer } from "./peer/build-llama-programs.ts";
import { type Side, startLlamaServer, startModelServer } from "./peer/sides.ts";
import { printTable, type Row } from "./support/table.ts";

const CATEGORIES = ["simple_python", "multiple", "parallel", "parallel_multiple"];
const TOKENS_MAX = 400;

/** What JSON Schema calls the types that the questions name. */
const TYPES: Readonly<Record<string, string>> = {
  dict: "object",
  float: "number",
  tuple: "array",
  any: "string",
};

type Question = {
  readonly id: string;
  readonly question: readonly (readonly OpenAI.ChatCompletionMessageParam[])[];
  readonly function: readonly FunctionOfQuestion[];
};
type Asked = Question & { readonly wanted: readonly Wanted[] };

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    data: { type: "string" },
    sample: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
  },
});
const { model: path, data } = values;
if (path === undefined || data === undefined) throw new Error("say --model and --data");

const random = seededRandom(Number(values.seed));
const questions = new Map(CATEGORIES.map((category) => [category, sampled(data, category)]));
const options = { path, threads: Number(values.threads), slots: 1, contextTokens: 8192 };
const program = await buildLlamaServer((line) => console.error(line));
const rows = new Map<string, Row>();
for (const start of [startModelServer, () => startLlamaServer(program, options)]) {
  await using side = await start(options);
  for (const [category, asked] of questions) {
    const row = rows.get(category) ?? { category, questions: asked.length };
    rows.set(category, { ...row, ...(await scoreOf(side, asked)) });
  }
}
printTable(`BFCL, non-live, Python: seed ${values.seed}, right answers`, [...rows.values()]);

function sampled(folder: string, category: string): readonly Asked[] {
  const read = <Line>(file: string): Line[] =>
    readFileSync(join(folder, file), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Line);
  const name = `BFCL_v4_${category}.json`;
  const answers = read<{ id: string; ground_truth: Wanted[] }>(join("possible_answer", name));
  const wantedOf = new Map(answers.map((answer) => [answer.id, answer.ground_truth]));
  return read<Question>(name)
    .map((one) => ({ one, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, Number(values.sample))
    .map(({ one }) => ({ ...one, wanted: wantedOf.get(one.id) ?? [] }));
}

async function scoreOf({ name, url }: Side, asked: readonly Asked[]): Promise<Row> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
  let right = 0;
  let silent = 0;
  for (const one of asked) {
    const calls = await callsFor(one, client);
    if (calls.length === 0) silent += 1;
    if (isRight(calls, one.wanted, one.function)) right += 1;
  }
  return {
    [name]: `${((100 * right) / asked.length).toFixed(0)} %`,
    [`${name}: no call`]: silent,
  };
}

async function callsFor(one: Asked, client: OpenAI): Promise<readonly Called[]> {
  const [messages = []] = one.question;
  const { choices } = await client.chat.completions.create({
    model: "test-model",
    messages: [...messages],
    tools: one.function.map(toolOf),
    temperature: 0,
    max_tokens: TOKENS_MAX,
  });
  const calls = choices[0]?.message.tool_calls ?? [];
  return calls.flatMap((call) => {
    const args = call.type === "function" ? parsed(call.function.arguments) : undefined;
    return call.type === "function" && args !== undefined
      ? [{ name: call.function.name, arguments: args }]
      : [];
  });
}

function parsed(text: string): Called["arguments"] | undefined {
  try {
    return JSON.parse(text) as Called["arguments"];
  } catch {
    return undefined;
  }
}

function toolOf({ name, description, parameters }: FunctionOfQuestion): OpenAI.ChatCompletionTool {
  const schema = inJsonSchema(parameters) as Record<string, unknown>;
  return { type: "function", function: { name: apiName(name), description, parameters: schema } };
}

function inJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inJsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) =>
      key === "type" && typeof value === "string"
        ? [key, TYPES[value] ?? value]
        : [key, inJsonSchema(value)],
    ),
  );
}
