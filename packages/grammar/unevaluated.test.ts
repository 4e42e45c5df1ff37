/** What `unevaluatedProperties` and `unevaluatedItems` leave, by what is decided around them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ajv } from "../../test/support/ajv.ts";
import { judgeOf } from "./fixtures/judge.ts";
import type { Json } from "./json.ts";

const named = (name: string, more: object = {}) => ({
  properties: { [name]: { type: "integer" } },
  ...more,
});

const closed = (...names: string[]) => ({
  type: "object",
  anyOf: names.map((name) => ({ ...named(name), required: [name] })),
  unevaluatedProperties: false,
});

/** What is accepted is valid for ajv too, and what is rejected is listed where it is valid all the same. */
function check(schema: Json, given: { yes: readonly Json[]; no: readonly Json[] }): void {
  const { accepts } = judgeOf(schema);
  const validate = ajv.compile(schema as object);
  for (const value of given.yes) {
    assert.ok(accepts(JSON.stringify(value)), `rejected ${JSON.stringify(value)}`);
    assert.ok(validate(value), `ajv rejects ${JSON.stringify(value)}`);
  }
  for (const value of given.no) {
    assert.ok(!accepts(JSON.stringify(value)), `accepted ${JSON.stringify(value)}`);
    assert.ok(!validate(value), `ajv accepts ${JSON.stringify(value)}`);
  }
}

test("members are known from allOf, references and the subschema itself", () => {
  const schema = {
    type: "object",
    ...named("own"),
    allOf: [named("one"), { $ref: "#/$defs/two" }],
    $defs: { two: { ...named("two"), patternProperties: { "^x-": { type: "string" } } } },
    unevaluatedProperties: false,
  };
  check(schema, {
    yes: [{}, { own: 1, one: 2, two: 3 }, { two: 1, "x-a": "b" }],
    no: [{ three: 1 }, { "x-a": 1 }, { own: "1" }],
  });
});

test("of a choice the members of the chosen one are known", () => {
  const schema = {
    type: "object",
    properties: { kind: { enum: ["a", "b"] } },
    required: ["kind"],
    oneOf: [
      { properties: { kind: { const: "a" }, left: { type: "integer" } } },
      { properties: { kind: { const: "b" }, right: { type: "integer" } } },
    ],
    unevaluatedProperties: false,
  };
  check(schema, {
    yes: [{ kind: "a" }, { kind: "a", left: 1 }, { kind: "b", right: 1 }],
    no: [
      { kind: "a", right: 1 },
      { kind: "b", left: 1 },
      { kind: "a", other: 1 },
    ],
  });
});

test("conditions and dependent schemas count where they hold", () => {
  const words = ["if", "then", "else"];
  const branches = [{ properties: { a: { const: 1 } }, required: ["a"] }, named("b"), named("c")];
  const schema = {
    type: "object",
    ...Object.fromEntries(words.map((word, i) => [word, branches[i] ?? true])),
    dependentSchemas: { d: named("e") },
    properties: { d: { type: "integer" } },
    unevaluatedProperties: false,
  };
  check(schema, {
    yes: [{ a: 1, b: 2 }, { c: 2 }, { c: 3, e: 4, d: 1 }],
    no: [{ a: 1, c: 2 }, { b: 2 }, { e: 4 }],
  });
});

test("a cousin's members are not known, a negation's neither", () => {
  const schema = {
    type: "object",
    allOf: [{ ...named("a"), unevaluatedProperties: false }, named("b")],
  };
  check(schema, { yes: [{}, { a: 1 }], no: [{ b: 1 }, { a: 1, b: 1 }] });
  const denied = {
    type: "object",
    not: { not: { ...named("a"), required: ["a"] } },
    properties: { b: { type: "integer" } },
    unevaluatedProperties: false,
  };
  assert.ok(!judgeOf({ ...denied, not: false }).accepts('{"a":1}'));
});

test("whoever allows others inside has looked at all, and a schema may stand in place of false", () => {
  check(
    {
      type: "object",
      allOf: [named("a", { additionalProperties: { type: "string" } })],
      unevaluatedProperties: false,
    },
    { yes: [{ a: 1 }, { b: "x" }], no: [{ b: 1 }] },
  );
  check(
    { type: "object", allOf: [named("a")], unevaluatedProperties: { type: "string" } },
    { yes: [{ a: 1 }, { b: "x" }], no: [{ b: 1 }] },
  );
  check(
    {
      type: "object",
      allOf: [{ ...named("a"), unevaluatedProperties: { type: "string" } }],
      unevaluatedProperties: false,
    },
    { yes: [{ a: 1, b: "x" }], no: [{ b: 1 }] },
  );
});

test("options that differ by what is unevaluated are told apart for sure, or not at all", () => {
  const schema = { oneOf: [closed("a", "b"), closed("b", "c")] };
  const { accepts } = judgeOf(schema);
  const validate = ajv.compile(schema);
  for (const value of [
    { a: 1 },
    { b: 1 },
    { c: 1 },
    { a: 1, b: 1 },
    { b: 1, c: 1 },
    { a: 1, c: 1 },
  ]) {
    if (accepts(JSON.stringify(value))) assert.ok(validate(value), JSON.stringify(value));
  }
});

test("items are known by their places", () => {
  const schema = {
    type: "array",
    prefixItems: [{ type: "integer" }],
    allOf: [{ prefixItems: [true, { type: "string" }] }],
    unevaluatedItems: false,
  };
  check(schema, { yes: [[], [1], [1, "a"]], no: [["a"], [1, 1], [1, "a", 1]] });
  check(
    { type: "array", allOf: [{ items: { type: "integer" } }], unevaluatedItems: false },
    { yes: [[], [1, 2, 3]], no: [["a"]] },
  );
  check(
    { type: "array", prefixItems: [{ type: "integer" }], unevaluatedItems: { type: "null" } },
    { yes: [[], [1], [1, null, null]], no: [[null], [1, 2]] },
  );
});
