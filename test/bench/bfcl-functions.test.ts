import assert from "node:assert/strict";
import { test } from "node:test";
import { toolOf } from "../../bench/bfcl/functions.ts";

const FUNCTION = {
  name: "weather.get",
  description: "Tells.",
  parameters: {
    type: "dict",
    properties: {
      at: { type: "array", items: { type: "float" }, description: "When." },
      limits: { type: "dict", properties: { low: { type: "float", description: "At least." } } },
      other: { type: "any", description: "Whatever." },
    },
    required: ["at"],
  },
};

test("a function for Python has the types that JSON Schema has", () => {
  const { function: told } = toolOf(FUNCTION, "multiple") as { function: object };
  const low = {
    type: "number",
    format: "float",
    description: "At least. This is a float type value.",
  };
  assert.deepEqual(told, {
    name: "weather_get",
    description: "Tells. Note that the provided function is in Python 3 syntax.",
    parameters: {
      type: "object",
      properties: {
        at: {
          type: "array",
          items: { type: "number" },
          description: "When.",
        },
        limits: { type: "object", properties: { low } },
        other: { type: "string", description: "Whatever." },
      },
      required: ["at"],
    },
  });
});

test("a function for another language takes texts, and says of what", () => {
  const { function: told } = toolOf(FUNCTION, "simple_java") as unknown as {
    function: { parameters: { properties: Record<string, { type: string; description: string }> } };
  };
  const { at, limits, other } = told.parameters.properties;
  assert.deepEqual(at, {
    type: "string",
    description:
      "When. This is Java array type parameter in string representation. The list elements are of type float; they are not in string representation.",
  });
  assert.ok(
    limits?.type === "string" &&
      limits.description.endsWith('. {"low": {"type": "float", "description": "At least."}}'),
  );
  assert.ok(other?.description.endsWith("any type of Java object in string representation."));
});
