/**
 * How a tagged form writes each parameter of a tool: a string as its text, everything else as JSON.
 *
 * Only what can be guaranteed as text is text: a string of any kind, or one of some strings. Strings with rules of
 * their own, and values that may or may not be strings, are JSON.
 */
import type { JsonSchema } from "@localmodel/inference/tools.ts";
import type { TaggedForm } from "./call-syntax.ts";

export type ParameterKinds = ReadonlyMap<string, "text" | "json">;

/** Keywords that say nothing about the value. */
const ANNOTATIONS = new Set([
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "$comment",
  "readOnly",
  "writeOnly",
]);

/** Keywords of an object's schema that tags can honour. */
const SAYABLE = new Set([
  ...ANNOTATIONS,
  "type",
  "properties",
  "required",
  "additionalProperties",
  "$defs",
  "definitions",
  "$schema",
  "strict",
]);

/** Undefined for a schema that says more than that an object has these properties. */
export function parameterKinds(
  parameters: JsonSchema,
  { quotesStrings = false }: Pick<TaggedForm, "quotesStrings">,
): ParameterKinds | undefined {
  if (Object.keys(parameters).some((keyword) => !SAYABLE.has(keyword))) return undefined;
  const properties = recordOf(parameters["properties"]);
  const keys = Object.keys(properties);
  const required = Array.isArray(parameters["required"]) ? parameters["required"] : [];
  // Keys stand between tags as they are.
  if (!keys.every((key) => /^[\w.$-]{1,128}$/.test(key))) return undefined;
  if (!required.every((key) => typeof key === "string" && keys.includes(key))) return undefined;
  if (refersElsewhere(properties)) return undefined;
  const isPlain = (key: string) => !quotesStrings && isText(properties[key]);
  return new Map(keys.map((key) => [key, isPlain(key) ? "text" : "json"]));
}

export function recordOf(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonSchema)
    : {};
}

/** What texts an `enum` allows, where it is all that a schema says. */
export function textsOf(schema: unknown): readonly string[] | undefined {
  const values = recordOf(schema)["enum"] ?? undefined;
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : undefined;
}

function isText(schema: unknown): boolean {
  const { type, enum: values, ...others } = recordOf(schema);
  if (Object.keys(others).some((keyword) => !ANNOTATIONS.has(keyword))) return false;
  if (type !== "string" && !(type === undefined && values !== undefined)) return false;
  // The line breaks around a value are not of it.
  return (
    values === undefined ||
    (Array.isArray(values) &&
      values.every((value) => typeof value === "string" && !/[<\n]/.test(value)))
  );
}

/** References are followed from the top of a document; only definitions stand beside every property. */
function refersElsewhere(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(refersElsewhere);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) =>
    key === "$ref" && typeof inner === "string"
      ? !/^#\/(?:\$defs|definitions)\//.test(inner)
      : key === "$id" || key === "$dynamicRef" || refersElsewhere(inner),
  );
}
