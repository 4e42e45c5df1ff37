/**
 * How many questions of the Berkeley Function-Calling Leaderboard one model answers with the right calls, behind this server
 * and behind llama-server.
 *
 *     node bench/bfcl.ts --model FILE.gguf --data FOLDER [--sample N] [--seed N] [--categories A,B] [--tokens N] [--kept FILE]
 *
 * FOLDER is `bfcl_eval/data` of the Python package `bfcl-eval` (`pip download --no-deps bfcl-eval`, and unzip). Asked are
 * `--sample` questions of each category, drawn by `--seed`. Both servers get the same requests, at temperature 0 and with
 * `tool_choice: "auto"`, one server after the other. An answer may have `--tokens`: a model that finds no end costs that
 * much. With `--kept` each answer is written to a file, and a run that was ended goes on where it stopped.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import OpenAI from "openai";
import { type Called, isRight } from "./bfcl/judge.ts";
import { type Answered, keptAnswers } from "./bfcl/kept-answers.ts";
import { type Asked, CATEGORIES, sampled, toolOf } from "./bfcl/questions.ts";
import { buildLlamaServer } from "./peer/build-llama-programs.ts";
import { type Side, startLlamaServer, startModelServer } from "./peer/sides.ts";
import { printTable, type Row } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    data: { type: "string" },
    sample: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    categories: { type: "string", default: CATEGORIES.join() },
    tokens: { type: "string", default: "400" },
    kept: { type: "string" },
  },
});
const { model: path, data } = values;
if (path === undefined || data === undefined) throw new Error("say --model and --data");

const of = { sample: Number(values.sample), seed: Number(values.seed) };
const categories = values.categories.split(",");
const questions = new Map(categories.map((category) => [category, sampled(data, category, of)]));
const tokensMax = Number(values.tokens);
const kept = keptAnswers(values.kept);
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

async function scoreOf(side: Side, asked: readonly Asked[]): Promise<Row> {
  const { name, url } = side;
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
  let right = 0;
  let silent = 0;
  let seconds = 0;
  for (const one of asked) {
    const key = [name, basename(options.path), tokensMax, one.id].join(" ");
    const known = kept.get(key);
    const answered = known ?? (await answerTo(one, client));
    if (known === undefined) kept.keep(key, answered);
    const isOne = isRight(answered.calls, one.wanted, one.functions);
    if (answered.calls.length === 0) silent += 1;
    if (isOne) right += 1;
    seconds += answered.seconds;
    const { promptTokens, answerTokens } = answered;
    const tokens = `${promptTokens} + ${answerTokens} tokens`;
    const verdict = isOne ? "right" : "wrong";
    console.error(`${name} ${one.id}: ${verdict}, ${tokens}, ${answered.seconds.toFixed(1)} s`);
  }
  return {
    [name]: `${right}`,
    [`${name}: no call`]: silent,
    [`${name}: s`]: (seconds / asked.length).toFixed(1),
  };
}

async function answerTo(one: Asked, client: OpenAI): Promise<Answered> {
  const beganMs = performance.now();
  const { choices, usage } = await client.chat.completions.create({
    model: "test-model",
    messages: [...one.messages],
    tools: one.functions.map(toolOf),
    temperature: 0,
    max_tokens: tokensMax,
  });
  const calls = choices[0]?.message.tool_calls ?? [];
  return {
    calls: calls.flatMap(calledBy),
    seconds: (performance.now() - beganMs) / 1000,
    promptTokens: usage?.prompt_tokens ?? 0,
    answerTokens: usage?.completion_tokens ?? 0,
  };
}

function calledBy(call: OpenAI.ChatCompletionMessageToolCall): readonly Called[] {
  if (call.type !== "function") return [];
  try {
    const args = JSON.parse(call.function.arguments) as Called["arguments"];
    return [{ name: call.function.name, arguments: args }];
  } catch {
    return [];
  }
}
