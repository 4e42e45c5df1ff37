import assert from "node:assert/strict";
import { test } from "node:test";
import { isRight, type Wanted } from "../../bench/bfcl/judge.ts";

const FUNCTIONS = [
  {
    name: "weather.get",
    description: "",
    parameters: {
      properties: {
        city: { type: "string" },
        days: { type: "integer" },
        limits: { type: "dict" },
        at: { type: "array" },
      },
      required: ["city"],
    },
  },
];
const WANTED: readonly Wanted[] = [
  {
    "weather.get": {
      city: ["New York, NY", "NYC"],
      days: [3, ""],
      limits: [{ low: [1, 2], high: ["", 9] }, ""],
      at: [["noon", "6 pm"], ""],
    },
  },
];
const judged = (...calls: readonly object[]) =>
  isRight(
    calls.map((args) => ({ name: "weather_get", arguments: args as Record<string, unknown> })),
    WANTED,
    FUNCTIONS,
  );

test("right are values that are listed, as plain texts, and parameters that may be left out", () => {
  assert.ok(judged({ city: "new york ny" }));
  assert.ok(judged({ city: "NYC", days: 3, limits: { low: 2 }, at: ["Noon", "6pm"] }));
  for (const wrong of [
    {},
    { city: "Rome" },
    { city: "NYC", days: 4 },
    { city: "NYC", days: "3" },
    { city: "NYC", hours: 3 },
    { city: "NYC", limits: {} },
    { city: "NYC", limits: { low: 3 } },
    { city: "NYC", at: ["6 pm", "noon"] },
  ]) {
    assert.ok(!judged(wrong), JSON.stringify(wrong));
  }
  assert.ok(!judged());
  assert.ok(!judged({ city: "NYC" }, { city: "NYC" }));
});

const called = (...cities: readonly string[]) =>
  cities.map((city) => ({ name: "weather_get", arguments: { city } }));

test("several calls may come in any order, and each counts once", () => {
  const wanted = ["a", "b"].map((city): Wanted => ({ "weather.get": { city: [city] } }));
  assert.ok(isRight(called("b", "a"), wanted, FUNCTIONS));
  assert.ok(!isRight(called("a", "a"), wanted, FUNCTIONS));
});
