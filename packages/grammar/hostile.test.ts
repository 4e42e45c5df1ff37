import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "./compile-schema.ts";
import { compileRegex } from "./compile-text.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Json } from "./json.ts";

/** Work is counted in steps, so that these end the same way on any machine. */
function ends(make: () => string): void {
  let gbnf: string;
  try {
    gbnf = make();
  } catch (error) {
    assert.ok(error instanceof GrammarError, String(error));
    return;
  }
  assert.ok(gbnf.length < 4_000_000);
}

function nested(depth: number, wrap: (inner: Json) => Json): Json {
  let schema: Json = { type: "string" };
  for (let i = 0; i < depth; i++) schema = wrap(schema);
  return schema;
}

const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const object = (count: number, make: (index: number) => Json) =>
  Object.fromEntries(many(count, (i) => [`property${i}`, make(i)]));

const HOSTILE: Readonly<Record<string, () => Json>> = {
  "nests deep": () => nested(5000, (items) => ({ type: "array", items })),
  "nests as deep as is allowed": () => nested(120, (items) => ({ type: "array", items })),
  "refers to itself": () => ({ $ref: "#" }),
  "refers in a circle": () => ({
    $ref: "#/$defs/a",
    $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
  }),
  "denies itself": () => ({ not: { $ref: "#" } }),
  "has choices in choices": () =>
    nested(12, (inner) => ({ allOf: [{ anyOf: many(6, (i) => ({ minLength: i, not: inner })) }] })),
  "multiplies choices": () => ({
    allOf: many(12, (k) => ({ anyOf: many(8, (i) => ({ required: [`a${k}-${i}`] })) })),
  }),
  "has many options that overlap": () => ({
    oneOf: many(60, (i) => ({
      required: [`a${i}`],
      properties: object(5, () => ({ type: "string" })),
    })),
  }),
  "counts to a billion": () => ({
    type: "array",
    minItems: 1_000_000_000,
    items: { type: "string", minLength: 1_000_000_000 },
  }),
  "counts a pattern": () => ({
    type: "string",
    pattern: "(a|b|ab)*c.{50}d",
    minLength: 5000,
    maxLength: 100_000,
  }),
  "has a pattern whose automaton is huge": () => ({ type: "string", pattern: "(a|b)*a(a|b){40}$" }),
  "repeats repetitions": () => ({ type: "string", pattern: "((((a{99}){99}){99}){99}){99}" }),
  "has patterns that overlap": () => ({
    patternProperties: Object.fromEntries(many(20, (i) => [`a.*${i}`, { minimum: i }])),
  }),
  "has many members to count": () => ({
    type: "object",
    properties: object(400, () => ({})),
    minProperties: 100,
    maxProperties: 200,
  }),
  "has many members": () => ({
    type: "object",
    properties: object(3000, () => ({ type: "integer", minimum: 3 })),
  }),
  "demands members of each other": () => ({
    type: "object",
    dependentRequired: object(30, (i) => [`property${(i + 1) % 30}`]),
  }),
  "has large multiples": () => ({
    type: "number",
    multipleOf: 0.000123457,
    minimum: -1e300,
    maximum: 1e300,
  }),
  "lists many values": () => ({
    enum: many(20_000, (i) => `value number ${(i * 7919) % 20_000} of many`),
  }),
  "contradicts itself at the end of many choices": () => ({
    type: "string",
    allOf: [
      ...many(5000, () => ({ minLength: 0 })),
      ...many(14, (k) => ({ anyOf: [{ minLength: k + 1 }, { minLength: k + 2 }] })),
      { anyOf: many(3, (i) => ({ pattern: `^${i}$` })) },
      { pattern: "^ab$" },
    ],
  }),
  "leaves members unevaluated beside thousands of parts": () => ({
    type: "object",
    allOf: many(3000, (i) => ({ properties: { [`property${i}`]: {} } })),
    anyOf: many(200, (i) => ({ properties: { [`choice${i}`]: {} }, required: [`choice${i}`] })),
    unevaluatedProperties: false,
  }),
  "never ends": () => ({ type: "object", required: ["a"], properties: { a: { $ref: "#" } } }),
  "asks for everything unique": () => ({
    type: "array",
    uniqueItems: true,
    items: { enum: many(40, (i) => i) },
  }),
};

for (const [what, make] of Object.entries(HOSTILE)) {
  test(`a schema that ${what} is compiled or refused`, () => {
    ends(() => compileSchema(make()));
  });
}

test("a regular expression with exponential growth is refused", () => {
  assert.throws(() => compileRegex("(a|b)*a(a|b){40}"), GrammarError);
});

test("what no JSON text can satisfy is refused", () => {
  const impossible: readonly Json[] = [
    false,
    { type: "string", enum: [1] },
    { type: "object", required: ["a"], properties: { a: { $ref: "#" } } },
    { allOf: [{ minimum: 5 }, { maximum: 4 }], type: "number" },
    { type: "string", pattern: "^a$", minLength: 2 },
  ];
  for (const schema of impossible) assert.throws(() => compileSchema(schema), GrammarError);
});

test("what is no schema is refused", () => {
  const wrong: readonly Json[] = [
    null,
    1,
    "a",
    [],
    { type: "any" },
    { properties: [] },
    { required: "a" },
    { minimum: "1" },
    { items: 3 },
    { pattern: "[" },
  ];
  for (const schema of wrong)
    assert.throws(() => compileSchema(schema), GrammarError, JSON.stringify(schema));
});
