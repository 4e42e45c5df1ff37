/** What the arguments of a tool may be: an object of the tool's schema, without members that it does not name. */
import type { JsonSchema, Tool } from "@localmodel/inference/tools.ts";

/** Beside these a schema may allow members that `properties` does not have. */
const APPLICATORS = [
  "$ref",
  "$dynamicRef",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "patternProperties",
  "propertyNames",
  "unevaluatedProperties",
  "dependentSchemas",
  "dependencies",
  "minProperties",
];

/**
 * Members that nobody named are nothing a tool can use, so where the schema leaves it open there are none. All of what
 * remains is valid for the schema as the client wrote it.
 */
export function argumentsSchema({ parameters }: Tool): JsonSchema {
  const { properties, required } = parameters;
  const isObject = { ...parameters, type: "object" };
  const names = typeof properties === "object" && properties !== null ? properties : undefined;
  const isOpen =
    names === undefined ||
    parameters["additionalProperties"] !== undefined ||
    APPLICATORS.some((keyword) => parameters[keyword] !== undefined) ||
    (Array.isArray(required) && !required.every((key) => Object.hasOwn(names, String(key))));
  return isOpen ? isObject : { ...isObject, additionalProperties: false };
}
