/**
 * The non-live AST score of the Berkeley Function-Calling Leaderboard that one model has behind this server and behind
 * llama-server, from a random sample of its questions.
 *
 *     node bench/bfcl.ts --model FILE.gguf --data FOLDER [--sample N] [--seed N] [--categories A,B] [--tokens N] [--kept FILE]
 *
 * FOLDER is `bfcl_eval/data` of the Python package `bfcl-eval` (`pip download --no-deps bfcl-eval`, and unzip); its own checker
 * judges. Asked are `--sample` questions of each category, drawn by `--seed`, the categories in turn. Both servers get each
 * request at once, at temperature 0 and with `tool_choice: "auto"`. An answer may have `--tokens`: a model that finds no end
 * costs that much. With `--kept` each answer is written to a file, and a run that was ended goes on where it stopped.
 * `--judge` asks nothing, and judges what is kept.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { answerTo } from "./bfcl/ask.ts";
import { judged } from "./bfcl/judge.ts";
import { type Answered, keptAnswers } from "./bfcl/kept-answers.ts";
import { CATEGORIES, sampled } from "./bfcl/questions.ts";
import { type BothRight, scoreRows } from "./bfcl/score.ts";
import { buildLlamaServer } from "./peer/build-llama-programs.ts";
import { startLlamaServer, startModelServer } from "./peer/sides.ts";
import { printTable } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    data: { type: "string" },
    sample: { type: "string", default: "25" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    categories: { type: "string", default: CATEGORIES.join() },
    tokens: { type: "string", default: "400" },
    kept: { type: "string" },
    judge: { type: "boolean", default: false },
  },
});
const { model: path, data } = values;
if (path === undefined || data === undefined) throw new Error("say --model and --data");

const SIDES = ["model server", "llama-server"] as const;
type SideName = (typeof SIDES)[number];

const tokensMax = Number(values.tokens);
const kept = keptAnswers(values.kept);
const given: Readonly<Record<SideName, Map<string, Answered>>> = {
  "model server": new Map(),
  "llama-server": new Map(),
};
const questions = sampled(data, values.categories.split(","), {
  sample: Number(values.sample),
  seed: Number(values.seed),
});
for (const side of SIDES) {
  for (const { id } of questions) {
    const known = kept.get(keyOf(side, id));
    if (known !== undefined) given[side].set(id, known);
  }
}
if (!values.judge) await askAll(path);

const answered = questions.filter(({ id }) => SIDES.every((side) => given[side].has(id)));
const [ours, theirs] = [rightOf("model server", data), rightOf("llama-server", data)];
const both: readonly BothRight[] = answered.map(({ id, category }) => ({
  category,
  ours: ours.has(id),
  theirs: theirs.has(id),
}));
const title = `BFCL, non-live AST: seed ${values.seed}, ${answered.length} questions, % right, 95 % intervals`;
printTable(title, scoreRows(both));
for (const side of SIDES) {
  const silent = [...given[side].values()].filter(({ calls }) => calls.length === 0);
  const cut = silent.filter(({ finish }) => finish === "length");
  console.log(`${side}: ${silent.length} answers without a call, ${cut.length} of them cut off`);
}

function keyOf(side: SideName, id: string): string {
  return [side, basename(path ?? ""), tokensMax, id].join(" ");
}

async function askAll(weights: string): Promise<void> {
  const program = await buildLlamaServer((line) => console.error(line));
  const options = {
    path: weights,
    threads: Number(values.threads),
    slots: 1,
    contextTokens: 8192,
  };
  await using here = await startModelServer(options);
  await using there = await startLlamaServer(program, options);
  const urls: Readonly<Record<SideName, string>> = {
    "model server": here.url,
    "llama-server": there.url,
  };
  for (const [at, one] of questions.entries()) {
    await Promise.all(
      SIDES.filter((side) => !given[side].has(one.id)).map(async (side) => {
        const answer = await answerTo(one, { url: urls[side], tokensMax });
        given[side].set(one.id, answer);
        kept.keep(keyOf(side, one.id), answer);
      }),
    );
    const calls = SIDES.map((side) => given[side].get(one.id)?.calls.length);
    console.error(`${at + 1} of ${questions.length}, ${one.id}: ${calls.join(" and ")} calls`);
  }
}

function rightOf(side: SideName, folder: string): ReadonlySet<string> {
  const toJudge = answered.map(({ id, category }) => ({
    id,
    category,
    calls: given[side].get(id)?.calls ?? [],
  }));
  const verdicts = judged(folder, toJudge);
  for (const { id, valid, error } of verdicts) {
    if (!valid) console.error(`${side} ${id}: ${JSON.stringify(error)}`);
  }
  return new Set(verdicts.filter(({ valid }) => valid).map(({ id }) => id));
}
