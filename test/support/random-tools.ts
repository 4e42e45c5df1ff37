/** Random tools whose arguments a noise model finishes: everything in them has an end that is near. */
import type OpenAI from "openai";

type Random = () => number;
type Schema = Record<string, unknown>;
export type FunctionTool = OpenAI.ChatCompletionFunctionTool;

const KEYS = ["city", "unit", "days", "x-1", "tags", "at"];

export function randomTools(random: Random): FunctionTool[] {
  const count = 1 + Math.floor(random() * 3);
  return Array.from({ length: count }, (_, index) => ({
    type: "function",
    function: {
      name: ["get_weather", "search-web", "b.2"][index] ?? "f",
      ...(random() < 0.5 && { description: "Does something <useful>." }),
      ...(random() < 0.9 && { parameters: randomParameters(random) }),
    },
  }));
}

function randomParameters(random: Random): Schema {
  const keys = KEYS.filter(() => random() < 0.4);
  return {
    type: "object",
    properties: Object.fromEntries(keys.map((key) => [key, randomValue(random)])),
    required: keys.filter(() => random() < 0.6),
    ...(random() < 0.3 && { additionalProperties: false }),
  };
}

function randomValue(random: Random, depth = 1): Schema {
  const kinds: (() => Schema)[] = [
    () => ({ type: "string", maxLength: 6 }),
    () => ({ type: "string", enum: ["celsius", "fahrenheit"] }),
    () => ({ type: "string", pattern: "^[a-c]{1,3}$" }),
    () => ({ type: "string", format: "date" }),
    () => ({ type: "integer", minimum: -5, maximum: 500 }),
    () => ({ type: "boolean" }),
    () => ({ enum: [1, "one", null] }),
    () => ({ type: "array", items: { type: "boolean" }, maxItems: 3 }),
    () => ({ anyOf: [{ type: "null" }, { type: "integer", minimum: 0, maximum: 9 }] }),
    () => ({
      type: "object",
      properties: { inner: depth > 0 ? randomValue(random, depth - 1) : { const: 1 } },
      required: ["inner"],
      additionalProperties: false,
    }),
  ];
  const kind = kinds[Math.floor(random() * kinds.length)];
  return kind === undefined ? {} : kind();
}
