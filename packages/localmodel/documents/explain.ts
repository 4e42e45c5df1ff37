/**
 * From a zod issue to sentences for the author of a document: what must be, and what was found.
 *
 * zod's own messages speak of its types; these speak of YAML.
 */
import type { z } from "zod";
import type { KnownFields } from "./known-fields.ts";
import { nearest } from "./suggestion.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

type Explanation = {
  readonly path: Path;
  readonly message: string;
  /** Whether the key itself is wrong, and not its value. */
  readonly atKey: boolean;
};

type Explained = {
  /** The value the schema was given. */
  readonly document: unknown;
  /** Of the same schema. */
  readonly fields: KnownFields;
};

/** At most `max` explanations. */
export function explain(
  issues: readonly Issue[],
  explained: Explained,
  max: number,
): Explanation[] {
  return issues
    .slice(0, max)
    .flatMap((issue) => explainIssue(issue, explained, max))
    .slice(0, max);
}

function explainIssue(issue: Issue, { document, fields }: Explained, max: number): Explanation[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, max).map((key) => ({
      path: [...issue.path, key],
      message: unknownField(key, issue.path, fields),
      atKey: true,
    }));
  }
  const value = valueAt(document, issue.path);
  return [{ path: issue.path, message: sentence(issue, value), atKey: value === undefined }];
}

function sentence(issue: Issue, value: unknown): string {
  const rule = requirement(issue);
  if (rule === undefined) return issue.message;
  if (value === undefined) return `is missing; ${rule}`;
  const measured = issue.code === "too_small" || issue.code === "too_big";
  return `${rule}; found ${measured ? size(value) : found(value)}${hint(issue, value)}`;
}

/** Undefined when the issue's own message says everything. */
function requirement(issue: Issue): string | undefined {
  if (issue.code === "invalid_type") return `must be ${describeType(issue.expected)}`;
  if (issue.code === "invalid_value") return `must be ${oneOf(issue.values)}`;
  if (issue.code === "too_small") return `must ${atLeast(issue.origin, Number(issue.minimum))}`;
  if (issue.code === "too_big") return `must ${atMost(issue.origin, Number(issue.maximum))}`;
  return issue.code === "invalid_format" ? issue.message : undefined;
}

function unknownField(key: string, parent: Path, fields: KnownFields): string {
  const allowed = fields.at(parent);
  const near = nearest(key, allowed);
  if (near !== undefined) return `is not a field that exists here; did you mean ${near}?`;
  const home = fields.homeOf(key);
  if (home !== undefined) return `is not a field that exists here; did you mean ${home}?`;
  return `is not a field that exists here; allowed are ${allowed.join(", ")}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function describeType(expected: string): string {
  return typeNames[expected] ?? expected;
}

function hint(issue: Issue, value: unknown): string {
  if (issue.code === "invalid_type" && issue.expected === "string") return quoteHint(value);
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const near = issue.values.length > 1 ? nearest(value, issue.values.map(String)) : undefined;
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** `version: 0.10` is a number to YAML, and has lost its zero by the time anyone looks. */
function quoteHint(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? " (write it in quotes)" : "";
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const list = values.map((value) => JSON.stringify(value)).join(", ");
  return values.length === 1 ? list : `one of ${list}`;
}

function atLeast(origin: string, minimum: number): string {
  return origin === "array"
    ? `have at least ${counted(minimum, "item")}`
    : `be at least ${minimum}`;
}

function atMost(origin: string, maximum: number): string {
  if (origin === "array") return `have at most ${counted(maximum, "item")}`;
  if (origin === "string") return `have at most ${counted(maximum, "character")}`;
  return `be at most ${maximum}`;
}

function size(value: unknown): string {
  if (Array.isArray(value)) return String(value.length);
  return typeof value === "string" ? String(Array.from(value).length) : found(value);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const FOUND_LENGTH_MAX = 80;

/** The value as it is worth showing: short, on one line, and without a URL's password. */
function found(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return typeof value;
  const shown = value.replace(/\/\/[^/@\s]*@/g, "//…@");
  const cut = Array.from(shown.slice(0, 2 * FOUND_LENGTH_MAX))
    .slice(0, FOUND_LENGTH_MAX)
    .join("");
  return JSON.stringify(cut === shown ? cut : `${cut}…`);
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part))
      return undefined;
    return (value as Record<PropertyKey, unknown>)[part];
  }, document);
}
