/**
 * A zod issue in OpenAI's words: which parameter, as a path a person can read, what it is and what it
 * should be, and a code a program can match.
 */
import type { z } from "zod";
import { invalidRequest, missingField } from "@localmodel/inference/refusals.ts";
import type { Failure } from "@localmodel/inference/failure.ts";

type Issue = z.core.$ZodIssue;

/** Codes of our own refinements travel in the issue's params. */
export function refusal(message: string, code: string) {
  return { code: "custom", message, params: { code } } as const;
}

export function issueToError(issue: Issue, body: unknown): Failure {
  const found = mostSpecific(issue);
  const param = paramOf(found.path);
  const value = valueAt(body, found.path);
  if (param === null) return notAnObject(value);
  if (isAbsent(value, found.path) && found.code !== "custom") return missingField(param);
  const { code, problem } = describe(found, value);
  return invalidRequest(param, problem(param), code);
}

/**
 * Of a union, the branch that the value came closest to: the one that failed deepest inside. When all
 * failed at the value itself, the union is what was expected.
 */
function mostSpecific(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const nested = issue.errors
    .flatMap((branch) => branch.slice(0, 1))
    .filter((first) => first.path.length > 0 || first.code !== "invalid_type")
    .map((first) => mostSpecific({ ...first, path: [...issue.path, ...first.path] }));
  return nested.toSorted((a, b) => b.path.length - a.path.length)[0] ?? issue;
}

type Description = {
  readonly code: string;
  readonly problem: (param: string) => string;
};

function describe(issue: Issue, value: unknown): Description {
  if (issue.code === "invalid_type") return wrongType([issue.expected], value);
  if (issue.code === "invalid_value") return notOneOf(issue.values, value);
  if (issue.code === "too_big") return outOfRange("above", issue.maximum, value);
  if (issue.code === "too_small") return outOfRange("below", issue.minimum, value);
  if (issue.code === "invalid_union") return noBranch(issue, value);
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  return {
    code: typeof code === "string" ? code : "invalid_value",
    problem: (param) => issue.message.replaceAll("{param}", () => param),
  };
}

/** zod lists the discriminator's values in `options`, which its types leave out. */
function noBranch(issue: z.core.$ZodIssueInvalidUnion, value: unknown): Description {
  if ("options" in issue && Array.isArray(issue.options)) return notOneOf(issue.options, value);
  return wrongType(issue.errors.flatMap(expectedTypes), value);
}

function expectedTypes(branch: readonly Issue[]): string[] {
  return branch.flatMap((issue) => (issue.code === "invalid_type" ? [issue.expected] : []));
}

function wrongType(expected: readonly string[], value: unknown): Description {
  const wanted = [...new Set(expected.map((type) => TYPE_NAMES[type] ?? type))].join(" or ");
  const found = typeName(value);
  return {
    code: "invalid_type",
    problem: (param) =>
      `Invalid type for '${param}': expected ${wanted}, but got ${found} instead.`,
  };
}

/** For who has not parsed the rest. */
export function notAList(param: string, value: unknown): Failure {
  const { code, problem } = wrongType(["array"], value);
  return invalidRequest(param, problem(param), code);
}

function notOneOf(allowed: readonly unknown[], value: unknown): Description {
  if (typeof value !== "string") return wrongType(["string"], value);
  const list = allowed.map((one) => `'${String(one)}'`).join(", ");
  return {
    code: "invalid_value",
    problem: (param) =>
      `Invalid '${param}': expected one of ${list}, but got ${quoted(value)} instead.`,
  };
}

function outOfRange(side: "above" | "below", limit: number | bigint, value: unknown): Description {
  const bound = side === "above" ? "at most" : "at least";
  const word = side === "above" ? "maximum" : "minimum";
  if (typeof value === "number") {
    const kind = Number.isInteger(value) ? "integer" : "decimal";
    return {
      code: `${kind}_${side}_${side === "above" ? "max" : "min"}_value`,
      problem: (param) =>
        `Invalid '${param}': ${kind} ${side} ${word} value. Expected ${bound} ${limit}, but got ${value} instead.`,
    };
  }
  const kind = typeof value === "string" ? "string" : "array";
  const length = typeof value === "string" || Array.isArray(value) ? value.length : 0;
  return {
    code:
      length === 0 ? `empty_${kind}` : `${kind}_${side}_${side === "above" ? "max" : "min"}_length`,
    problem: (param) =>
      `Invalid '${param}': ${kind} ${side} ${word} length. Expected length ${bound} ${limit}, but got ${length} instead.`,
  };
}

function notAnObject(value: unknown): Failure {
  return invalidRequest(
    null,
    `The body of the request must be a JSON object, but it is ${typeName(value)}.`,
    "invalid_type",
  );
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "an integer",
  number: "a number",
  string: "a string",
  boolean: "a boolean",
  array: "an array",
  object: "an object",
  record: "an object",
};

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value !== "number") return TYPE_NAMES[typeof value] ?? typeof value;
  if (!Number.isFinite(value)) return "a number out of range";
  return Number.isInteger(value) ? "an integer" : "a decimal number";
}

const QUOTED_MAX_CHARACTERS = 64;
const PARAM_MAX_CHARACTERS = 200;

function quoted(text: string): string {
  const short =
    text.length > QUOTED_MAX_CHARACTERS ? `${text.slice(0, QUOTED_MAX_CHARACTERS)}…` : text;
  return `'${short}'`;
}

/** `["messages", 0, "content"]` is `messages[0].content`. */
function paramOf(path: readonly PropertyKey[]): string | null {
  const param = path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .slice(1, 1 + PARAM_MAX_CHARACTERS);
  return param === "" ? null : param.toWellFormed();
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A null field stands for an absent one; a null element of an array is just the wrong type. */
function isAbsent(value: unknown, path: readonly PropertyKey[]): boolean {
  return value === undefined || (value === null && typeof path.at(-1) === "string");
}
