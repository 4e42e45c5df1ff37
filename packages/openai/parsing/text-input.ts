/**
 * `prompt` and `input`: one or several texts, each as a string or as token ids.
 *
 * Written by hand rather than as a union of schemas: a prompt of a million tokens must cost a loop, not a
 * million issues in four branches.
 */
import { z } from "zod";
import { refusal } from "./issue.ts";

export type TextInput = string | readonly number[];

type TextInputRules = {
  readonly maxInputs: number;
  readonly allowsEmptyText: boolean;
};

type Problem = {
  readonly path: readonly number[];
  readonly message: string;
  readonly code: string;
};

const MISSING: Problem = {
  path: [],
  message: "Missing required parameter: '{param}'.",
  code: "missing_required_parameter",
};

/** The output is always the list of inputs, also for a single one. */
export function textInputs(rules: TextInputRules) {
  return z.unknown().transform((value, context): readonly TextInput[] => {
    const inputs = listOf(value);
    const found = value === undefined ? MISSING : findProblem(inputs, inputs === value, rules);
    if (found === undefined) return (inputs as TextInput[]).map(wellFormed);
    context.addIssue({ ...refusal(found.message, found.code), path: [...found.path] });
    return z.NEVER;
  });
}

/** A string and an array of numbers are one input each. */
function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return [value];
  return typeof value[0] === "number" ? [value] : value;
}

function findProblem(
  inputs: readonly unknown[],
  isList: boolean,
  { maxInputs, allowsEmptyText }: TextInputRules,
): Problem | undefined {
  if (inputs.length === 0) return problem([], "empty_array", "an array with at least one element");
  if (inputs.length > maxInputs) {
    return problem([], "array_above_max_length", `at most ${maxInputs} elements`);
  }
  for (const [index, input] of inputs.entries()) {
    const found =
      typeof input === typeof inputs[0] ? problemWith(input, allowsEmptyText) : WRONG_TYPE;
    if (found !== undefined) return isList ? { ...found, path: [index, ...found.path] } : found;
  }
  return undefined;
}

function problemWith(input: unknown, allowsEmptyText: boolean): Problem | undefined {
  if (typeof input === "string") {
    return input === "" && !allowsEmptyText ? EMPTY_TEXT : undefined;
  }
  if (!Array.isArray(input)) return WRONG_TYPE;
  if (input.length === 0) return problem([], "empty_array", "at least one token id");
  const invalid = input.findIndex((token) => !isTokenId(token));
  return invalid === -1 ? undefined : problem([invalid], "invalid_type", "a token id, 0 or above");
}

function isTokenId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

function problem(path: readonly number[], code: string, expected: string): Problem {
  return { path, code, message: `Invalid '{param}': expected ${expected}.` };
}

const EMPTY_TEXT = problem([], "empty_string", "a text that is not empty");
const WRONG_TYPE = problem(
  [],
  "invalid_type",
  "a string, an array of strings, an array of token ids, or an array of such arrays",
);

function wellFormed(input: TextInput): TextInput {
  return typeof input === "string" ? input.toWellFormed() : input;
}
