/** The questions of the Berkeley Function-Calling Leaderboard, as its Python package has them, and which of them are asked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type OpenAI from "openai";
import { seededRandom } from "../../test/support/seeded-random.ts";
import { type FunctionOfQuestion, toolOf } from "./functions.ts";

/** Those of which the leaderboard makes its non-live AST score. */
export const CATEGORIES = [
  "simple_python",
  "simple_java",
  "simple_javascript",
  "multiple",
  "parallel",
  "parallel_multiple",
] as const;

type Question = {
  readonly id: string;
  readonly question: readonly (readonly OpenAI.ChatCompletionMessageParam[])[];
  readonly function: readonly FunctionOfQuestion[];
};

export type Asked = {
  readonly id: string;
  readonly category: string;
  readonly messages: readonly OpenAI.ChatCompletionMessageParam[];
  readonly tools: readonly OpenAI.ChatCompletionTool[];
};

export type Sampling = { readonly sample: number; readonly seed: number };

/**
 * So many of each category, by the seed, the categories in turn: a run that is ended has asked as many of each, and a larger
 * sample contains the smaller one.
 */
export function sampled(
  folder: string,
  categories: readonly string[],
  sampling: Sampling,
): readonly Asked[] {
  const all = categories.map((category) => ofCategory(folder, category, sampling));
  return Array.from({ length: sampling.sample }, (_, at) =>
    all.flatMap((asked) => asked.slice(at, at + 1)),
  ).flat();
}

function ofCategory(
  folder: string,
  category: string,
  { sample, seed }: Sampling,
): readonly Asked[] {
  const random = seededRandom(seed);
  return readFileSync(join(folder, `BFCL_v4_${category}.json`), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ one: JSON.parse(line) as Question, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, sample)
    .map(({ one }) => ({
      id: one.id,
      category,
      messages: one.question[0] ?? [],
      tools: one.function.map((each) => toolOf(each, category)),
    }));
}
