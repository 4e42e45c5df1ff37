/**
 * The questions of the Berkeley Function-Calling Leaderboard, as its Python package has them: what is asked, what may be
 * called, and which calls are right.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type OpenAI from "openai";
import { seededRandom } from "../../test/support/seeded-random.ts";
import { apiName, type FunctionOfQuestion, type Wanted } from "./judge.ts";

/** Non-live ones whose calls are compared as Python. */
export const CATEGORIES = ["simple_python", "multiple", "parallel", "parallel_multiple"] as const;

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

export type Asked = {
  readonly id: string;
  readonly messages: readonly OpenAI.ChatCompletionMessageParam[];
  readonly functions: readonly FunctionOfQuestion[];
  readonly wanted: readonly Wanted[];
};

/** So many of a category, by the seed: a larger sample contains the smaller one. */
export function sampled(
  folder: string,
  category: string,
  { sample, seed }: { readonly sample: number; readonly seed: number },
): readonly Asked[] {
  const random = seededRandom(seed);
  const name = `BFCL_v4_${category}.json`;
  const answers = linesOf<{ id: string; ground_truth: Wanted[] }>(
    join(folder, "possible_answer", name),
  );
  const wantedOf = new Map(answers.map((answer) => [answer.id, answer.ground_truth]));
  return linesOf<Question>(join(folder, name))
    .map((one) => ({ one, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, sample)
    .map(({ one }) => ({
      id: one.id,
      messages: one.question[0] ?? [],
      functions: one.function,
      wanted: wantedOf.get(one.id) ?? [],
    }));
}

export function toolOf({
  name,
  description,
  parameters,
}: FunctionOfQuestion): OpenAI.ChatCompletionTool {
  const schema = inJsonSchema(parameters) as Record<string, unknown>;
  return { type: "function", function: { name: apiName(name), description, parameters: schema } };
}

function linesOf<Line>(file: string): Line[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
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
