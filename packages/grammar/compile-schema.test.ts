import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeOf } from "./fixtures/judge.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Json } from "./json.ts";

type Case = { readonly schema: Json; readonly yes: readonly Json[]; readonly no: readonly Json[] };

/** Compact, and as Python and JavaScript indent it: all of them are what models write. */
const LAYOUTS = [
  (value: Json) => JSON.stringify(value),
  (value: Json) => JSON.stringify(value, undefined, 2),
];

/** A literal with a member named `then` would look like a promise. */
function conditional(properties: Json, whenTrue: Json, whenFalse: Json): Json {
  const words = ["if", "then", "else"];
  return Object.fromEntries(
    [{ properties }, whenTrue, whenFalse].map((each, i) => [words[i], each]),
  );
}

function check(cases: Readonly<Record<string, Case>>): void {
  for (const [name, { schema, yes, no }] of Object.entries(cases)) {
    test(name, () => {
      const { accepts } = judgeOf(schema);
      for (const layout of LAYOUTS) {
        for (const value of yes) assert.ok(accepts(layout(value)), `rejected ${layout(value)}`);
        for (const value of no) assert.ok(!accepts(layout(value)), `accepted ${layout(value)}`);
      }
    });
  }
}

check({
  "members come in declared order, and optional ones may be left out": {
    schema: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "boolean" }, c: { type: "null" } },
      required: ["b"],
      additionalProperties: false,
    },
    yes: [{ b: true }, { a: 1, b: false }, { a: 1, b: true, c: null }],
    no: [{}, { a: 1 }, { b: 1 }, { b: true, a: 1 }, { b: true, d: 1 }],
  },
  "other members never take a declared name": {
    schema: {
      type: "object",
      properties: { ab: { type: "integer" } },
      additionalProperties: { type: "string" },
    },
    yes: [{ ab: 1 }, { a: "x" }, { abc: "x", ab: 1 }, {}],
    no: [{ ab: "x" }, { abc: 1 }],
  },
  "patterns and names of other members hold together": {
    schema: {
      type: "object",
      properties: { id: { type: "integer" } },
      patternProperties: { "^x-": { type: "string" } },
      propertyNames: { maxLength: 4 },
      additionalProperties: { type: "boolean" },
    },
    yes: [{ id: 1, "x-1": "a" }, { flag: true }],
    no: [{ "x-1": true }, { "x-long": "a" }, { flag: "a" }],
  },
  "names that are listed come once each, so their number can be counted": {
    schema: {
      type: "object",
      propertyNames: { enum: ["x", "y", "z"] },
      additionalProperties: { type: "integer" },
      minProperties: 2,
    },
    yes: [
      { x: 1, y: 2 },
      { x: 1, y: 2, z: 3 },
      { y: 1, z: 2 },
    ],
    no: [{}, { y: 1 }, { x: 1, w: 2 }, { x: 1, y: "a" }],
  },
  "a reference may lead back to its own schema": {
    schema: {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: {
            value: { type: "integer" },
            next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
          },
          required: ["value", "next"],
          additionalProperties: false,
        },
      },
    },
    yes: [
      { value: 1, next: null },
      { value: 1, next: { value: 2, next: null } },
    ],
    no: [{ value: 1 }, { value: 1, next: {} }],
  },
  "anchors, ids and 2019's and draft 7's words are followed": {
    schema: {
      $id: "https://schemas.example/root",
      type: "array",
      items: [{ $ref: "#count" }, { $ref: "name.json" }],
      additionalItems: false,
      definitions: {
        count: { $anchor: "count", type: "integer" },
        name: { $id: "name.json", type: "string" },
      },
    },
    yes: [[], [1], [1, "a"]],
    no: [["a"], [1, 2], [1, "a", 3]],
  },
  "a dynamic reference leads to what the root says in place of a default": {
    schema: {
      $id: "https://schemas.example/whole-numbers",
      $ref: "list",
      $defs: {
        item: { $dynamicAnchor: "item", type: "integer" },
        list: {
          $id: "list",
          type: "array",
          items: { $dynamicRef: "#item" },
          $defs: { anything: { $dynamicAnchor: "item" } },
        },
      },
    },
    yes: [[], [1, 2]],
    no: [["a"], [1, null]],
  },
  "a tree that a schema extends is extended at all depths": {
    schema: {
      $schema: "https://json-schema.org/draft/2019-09/schema",
      $id: "https://schemas.example/strict",
      $recursiveAnchor: true,
      $ref: "tree",
      required: ["value"],
      $defs: {
        tree: {
          $id: "tree",
          $recursiveAnchor: true,
          type: "object",
          properties: {
            value: { type: "integer" },
            children: { type: "array", items: { $recursiveRef: "#" } },
          },
          additionalProperties: false,
        },
      },
    },
    yes: [{ value: 1 }, { value: 1, children: [{ value: 2, children: [] }] }],
    no: [{}, { value: 1, children: [{}] }],
  },
  "a pattern that is not anchored matches anywhere": {
    schema: { type: "string", pattern: "b[0-9]+" },
    yes: ["b1", "a b12 c", 'say "b7"\n'],
    no: ["b", "a1"],
  },
  "a long length beside a format is held to": {
    schema: { type: "string", format: "uri", minLength: 1, maxLength: 2083 },
    yes: [`https://en.example/wiki/${"a/".repeat(80)}?q=1#top`, "mailto:a@b.example"],
    no: ["", "no address", `https://en.example/${"a".repeat(2083)}`],
  },
  "a mail address ends as a domain does": {
    schema: { type: "string", format: "email" },
    yes: ["ann.b+c@mail.example.com", "a@b.c", "a@b.xn--p1ai"],
    no: ["a@b", "a@b.5", "a@1.2.3.4", "@b.example"],
  },
  "a pattern, a format and lengths hold together": {
    schema: {
      type: "string",
      pattern: "^2",
      format: "date",
      minLength: 10,
      not: { enum: ["2020-01-01"] },
    },
    yes: ["2024-02-29", "2020-01-02"],
    no: ["2023-02-29", "1999-01-01", "2020-01-01", "2024-13-01"],
  },
  "lookaheads in patterns are obeyed": {
    schema: { type: "string", pattern: "^(?!tmp|test$)(?=.*\\d)[a-z0-9]{1,8}$" },
    yes: ["a1", "test1", "x9"],
    no: ["tmp1", "test", "abc", "abcdefgh1"],
  },
  "lengths are counted in characters, and escapes are one": {
    schema: { type: "string", minLength: 2, maxLength: 3 },
    yes: ["ab", "😀b", '"\\', "\n\t\u0001"],
    no: ["a", "😀", "abcd"],
  },
  "ranges of integers hold digit by digit": {
    schema: { type: "integer", minimum: -12, maximum: 105 },
    yes: [-12, -9, 0, 7, 99, 105],
    no: [-13, -100, 106, 200, 1050, 1.5],
  },
  "exclusive and decimal bounds hold": {
    schema: { type: "number", exclusiveMinimum: 0.25, maximum: 3.5 },
    yes: [0.26, 0.3, 1, 3.5, 3.49, 0.251],
    no: [0.25, 0.2, 0, -1, 3.51, 4, 35],
  },
  "multiples are found by their remainders": {
    schema: { type: "number", multipleOf: 0.25, minimum: 1 },
    yes: [1, 1.25, 17.5, 100],
    no: [0.75, 1.1, 1.251],
  },
  "divisibleBy means the same as multipleOf, beside an enum and in a negation too": {
    schema: {
      anyOf: [
        { enum: [1, 2, 3], divisibleBy: 2 },
        { enum: [7, 8], not: { divisibleBy: 2 } },
      ],
    },
    yes: [2, 7],
    no: [1, 3, 8],
  },
  "a format with the name of a method of objects is one like any unknown one": {
    schema: { type: "number", format: "constructor" },
    yes: [1, 1.5],
    no: ["a"],
  },
  "a negation of several references breaks any of them": {
    schema: {
      $defs: { a: { type: ["string", "null"] }, b: { type: ["string", "boolean"] } },
      type: ["string", "null", "boolean"],
      not: { $ref: "#/$defs/a", $dynamicRef: "#/$defs/b" },
    },
    yes: [true, null],
    no: ["x"],
  },
  "oneOf denies what two options share": {
    schema: {
      oneOf: [
        { type: "integer", multipleOf: 3 },
        { type: "integer", multipleOf: 5 },
      ],
    },
    yes: [3, 5, 9, 10],
    no: [15, 30, 0, 1],
  },
  "denied oneOf allows what none of its options is, and what two are": {
    schema: {
      not: { oneOf: [{ type: "integer" }, { minimum: 5 }] },
      type: ["number", "string", "null"],
    },
    yes: [7, 0.5, -2.5],
    no: [3, 5.5, "a", null],
  },
  "a listed array is told from others by its length and its items": {
    schema: { type: "array", not: { enum: [["a", 1], "b"] } },
    yes: [[], ["a"], ["a", 2], ["b", 1], ["a", 1, null], ["a", [1]], [{}, 1]],
    no: [["a", 1], "b", {}],
  },
  "listed arrays and objects are told from others all at once": {
    schema: { not: { enum: [["a"], ["b"], {}, { k: { n: [1] } }, 5] } },
    yes: [
      [],
      ["c"],
      ["a", "b"],
      { x: 1 },
      { k: 1 },
      { k: { n: [] } },
      { k: { n: [1, 2] } },
      4,
      "a",
    ],
    no: [["a"], ["b"], {}, { k: { n: [1] } }, 5],
  },
  "options of oneOf are told apart by arrays that only one of them lists": {
    schema: {
      oneOf: [
        { type: "array", items: { enum: ["x", "y"] }, minItems: 1 },
        { enum: [["deleted"]] },
        { enum: [["x"]] },
      ],
    },
    yes: [["y"], ["x", "x"], ["deleted"]],
    no: [["x"], [], ["deleted", "x"]],
  },
  "options of oneOf are told apart by names that no member can have": {
    schema: {
      oneOf: [
        { $ref: "#/$defs/scales" },
        { $ref: "#/$defs/locales" },
        {
          type: "object",
          properties: { ref: { type: "string" } },
          additionalProperties: false,
          required: ["ref"],
        },
      ],
      $defs: {
        scales: {
          type: "object",
          patternProperties: { "^\\d+x$": { type: "integer" } },
          additionalProperties: false,
          minProperties: 1,
        },
        locales: {
          type: "object",
          patternProperties: { "^[a-z]{2}$": { type: "integer" } },
          additionalProperties: false,
          minProperties: 1,
        },
      },
    },
    yes: [{ "1x": 1, "22x": 2 }, { en: 1, fr: 2 }, { ref: "a" }],
    no: [{}, { "1x": 1, en: 1 }, { ref: 1 }, { x: 1 }],
  },
  "options of oneOf are told apart by members that only one of them names": {
    schema: {
      type: "object",
      oneOf: [
        { properties: { a: {}, b: { type: "integer" } }, additionalProperties: false },
        {
          properties: { a: {}, c: { type: "string" } },
          patternProperties: { "^b": { type: "boolean" } },
          additionalProperties: false,
        },
      ],
    },
    yes: [{ b: 1 }, { a: 1, b: 1 }, { a: 1, c: "x" }, { a: 1, b: true }, { c: "x" }],
    no: [{}, { a: 1 }, { b: 1, c: "x" }, { b: "x" }, { d: 1 }],
  },
  "expressions are written as they are, repeated, grouped and with classes": {
    schema: { format: "regex" },
    yes: [
      "^[a-zA-Z0-9_]{3,16}$",
      "a|b",
      "(?:x|[^'\"]+)*?",
      "\\bé\\d{2,}-[\\w.-]$",
      "^(foo|ba[rz])+$",
    ],
    no: ["[", "a**", "(", "a)", "[z-a]", "a{3,2}", "\\", "\\-", "?a", "[]"],
  },
  "options of oneOf without a type are told apart by the type around them": {
    schema: {
      type: "object",
      oneOf: [
        { properties: { a: {}, b: {} }, required: ["a", "b"], additionalProperties: false },
        { properties: { a: {} }, required: ["a"], additionalProperties: false },
      ],
    },
    yes: [{ a: 1, b: 2 }, { a: 1 }],
    no: [{}, { b: 1 }, { a: 1, c: 1 }],
  },
  "allOf merges objects": {
    schema: {
      allOf: [
        { type: "object", properties: { a: { minimum: 2 } }, required: ["a"] },
        {
          properties: { a: { type: "integer", maximum: 4 }, b: { type: "string" } },
          additionalProperties: false,
        },
      ],
    },
    yes: [{ a: 2 }, { a: 4, b: "x" }],
    no: [{ a: 1 }, { a: 5 }, { b: "x" }, { a: 3, c: 1 }],
  },
  "if, then and else choose": {
    schema: {
      type: "object",
      properties: { kind: { enum: ["a", "b"] }, size: { type: "integer" } },
      required: ["kind"],
      additionalProperties: false,
      allOf: [
        conditional(
          { kind: { const: "a" } },
          { required: ["size"] },
          { properties: { size: false } },
        ),
      ],
    },
    yes: [{ kind: "a", size: 1 }, { kind: "b" }],
    no: [{ kind: "a" }, { kind: "b", size: 1 }],
  },
  "an enum keeps only values that its neighbours allow": {
    schema: { enum: ["a", "bb", 1, null, { x: 1 }, [1]], not: { const: "a" }, maxLength: 1 },
    yes: [1, null, { x: 1 }, [1]],
    no: ["a", "bb", 2, {}],
  },
  "arrays count, and prefixes have their own items": {
    schema: {
      type: "array",
      prefixItems: [{ type: "string" }],
      items: { type: "integer" },
      minItems: 2,
      maxItems: 4,
    },
    yes: [
      ["a", 1],
      ["a", 1, 2, 3],
    ],
    no: [["a"], [1, 1], ["a", "b"], ["a", 1, 2, 3, 4]],
  },
  "contains wants one item at least": {
    schema: { type: "array", items: { type: "integer" }, contains: { minimum: 10 }, maxItems: 4 },
    yes: [[10], [1, 11], [12, 1, 13]],
    no: [[], [1], [1, 2, 3, 4]],
  },
  "two of many values may be unique": {
    schema: {
      type: "array",
      items: { enum: Array.from({ length: 20 }, (_, i) => `tag ${i}`) },
      uniqueItems: true,
      maxItems: 2,
    },
    yes: [[], ["tag 19"], ["tag 7", "tag 0"]],
    no: [["tag 7", "tag 7"], ["tag 20"], ["tag 1", "tag 2", "tag 3"]],
  },
  "there are two booleans, and they differ": {
    schema: { type: "array", items: { type: ["boolean", "null"] }, uniqueItems: true },
    yes: [[], [true], [false, true], [null, true, false]],
    no: [
      [true, true],
      [null, false, null],
    ],
  },
  "few values may be unique": {
    schema: { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, minItems: 1 },
    yes: [["a"], ["c", "a"], ["b", "c", "a"]],
    no: [[], ["a", "a"], ["a", "b", "a"]],
  },
  "a member may demand another": {
    schema: {
      type: "object",
      properties: { card: { type: "integer" }, address: { type: "string" } },
      dependentRequired: { card: ["address"] },
      additionalProperties: false,
    },
    yes: [{}, { address: "x" }, { card: 1, address: "x" }],
    no: [{ card: 1 }],
  },
  "members are counted": {
    schema: {
      type: "object",
      properties: { a: {}, b: {}, c: {} },
      minProperties: 1,
      maxProperties: 2,
      additionalProperties: false,
    },
    yes: [{ a: 1 }, { a: 1, c: 1 }, { b: 1, c: 1 }],
    no: [{}, { a: 1, b: 1, c: 1 }],
  },
  "without a type all are allowed that the keywords allow": {
    schema: { minimum: 5, minLength: 2 },
    yes: [5, "ab", null, [], {}, true],
    no: [4, "a"],
  },
});

function refusedAt(schema: Json, path: string, keyword: string): void {
  assert.throws(
    () => judgeOf(schema),
    (error) => error instanceof GrammarError && error.path === path && error.keyword === keyword,
  );
}

test("what cannot be guaranteed is an error that names the place and the keyword", () => {
  refusedAt(
    { properties: { tags: { type: "array", uniqueItems: true } } },
    "#/properties/tags",
    "uniqueItems",
  );
  refusedAt({ properties: { a: { $ref: "#/$defs/none" } } }, "#/properties/a", "$ref");
  refusedAt({ items: { pattern: "(a)\\1" } }, "#/items", "pattern");
  refusedAt({ properties: { a: { type: "text" } } }, "#/properties/a", "type");
});

function listOf(name: string, item: { readonly [keyword: string]: Json }): Json {
  const $defs = { item: { ...item, $dynamicAnchor: "item" } };
  return { $id: name, $ref: "list", $defs };
}

test("a dynamic reference that means different things on different ways is refused", () => {
  const schema = {
    type: "object",
    properties: { numbers: { $ref: "numbers" }, names: { $ref: "names" } },
    $defs: {
      numbers: listOf("numbers", { type: "integer" }),
      names: listOf("names", { type: "string" }),
      list: {
        $id: "list",
        type: "array",
        items: { $dynamicRef: "#item" },
        $defs: { anything: { $dynamicAnchor: "item" } },
      },
    },
  };
  refusedAt(schema, "#/$defs/list/items", "$dynamicRef");
});

function contradictoryAt(schema: Json, path: string): void {
  assert.throws(
    () => judgeOf(schema),
    (error) => error instanceof GrammarError && error.path === path,
  );
}

test("a contradiction is named where it is, however deep", () => {
  const both = { allOf: [{ type: "string" }, { type: "integer" }] };
  contradictoryAt(both, "#");
  contradictoryAt({ enum: [] }, "#");
  contradictoryAt({ type: "string", pattern: "^a{5}$", maxLength: 4 }, "#");
  contradictoryAt({ type: "string", pattern: "^(ab)*$", minLength: 3, maxLength: 3 }, "#");
  contradictoryAt({ properties: { a: both }, required: ["a"], type: "object" }, "#/properties/a");
  contradictoryAt(
    {
      type: "object",
      properties: { list: { type: "array", minItems: 1, items: { $ref: "#/$defs/range" } } },
      required: ["list"],
      $defs: { range: { type: "integer", minimum: 5, maximum: 3 } },
    },
    "#/$defs/range",
  );
  contradictoryAt(
    { $ref: "#/$defs/a", $defs: { a: { allOf: [{ type: "null" }, both] } } },
    "#/$defs/a/allOf/1",
  );
});

test("numbers that are no numbers are refused", () => {
  refusedAt({ items: { multipleOf: 0 } }, "#/items", "multipleOf");
  refusedAt({ multipleOf: -1 }, "#", "multipleOf");
  refusedAt(JSON.parse('{"const": {"a": [1e400]}}') as Json, "#", "const");
});

test("compact and spaced white space are the only ones where they are asked for", () => {
  const schema = { type: "object", properties: { a: { type: "array" } }, required: ["a"] };
  const compact = judgeOf(schema, { whitespace: "compact" });
  assert.ok(compact.accepts('{"a":[1,2]}'));
  assert.ok(!compact.accepts('{"a": [1, 2]}'));
  const spaced = judgeOf(schema, { whitespace: "spaced" });
  assert.ok(spaced.accepts('{"a": [1, 2]}'));
  assert.ok(!spaced.accepts('{"a":[1,2]}'));
});

test("an object that says which members it has is closed to others where that is asked for", () => {
  const word = { type: "string", maxLength: 3 };
  const { accepts } = judgeOf({ patternProperties: { "^[a-z]+$": word } }, { closesObjects: true });
  assert.ok(accepts('{"a": "b", "c": ""}'));
  assert.ok(!accepts('{"A": "b"}'));
  const named = judgeOf({ properties: { a: word } }, { closesObjects: true });
  assert.ok(!named.accepts('{"b": "b"}'));
  const excluding = judgeOf({ patternProperties: { "^_": false } }, { closesObjects: true });
  assert.ok(excluding.accepts('{"a": 1}'));
  assert.ok(!excluding.accepts('{"_a": 1}'));
});

test("white space ends", () => {
  const { accepts } = judgeOf({ type: "array" });
  assert.ok(accepts(`[\n${" ".repeat(40)}1]`));
  assert.ok(!accepts(`[\n${" ".repeat(200)}1]`));
});

check({
  "an older draft reads nothing beside a reference, nor an $id there": {
    schema: {
      $schema: "http://json-schema.org/draft-07/schema#",
      $id: "https://schemas.example/inner/",
      definitions: {
        one: { $id: "https://schemas.example/value.json", type: "string" },
        other: { $id: "value.json", type: "number" },
      },
      allOf: [{ $id: "https://schemas.example/", $ref: "value.json" }],
    },
    yes: [1],
    no: ["a"],
  },
});

test("a whole number that is listed may have a fraction of zero where white space is flexible", () => {
  const schema = { enum: [2, { a: 0 }, 1.5] };
  const flexible = judgeOf(schema).accepts;
  for (const text of ["2", "2.0", '{"a": 0}', '{"a": 0.0}', "1.5"]) assert.ok(flexible(text), text);
  for (const text of ["2.", "2.00", "20", "1.50"]) assert.ok(!flexible(text), text);
  const spaced = judgeOf(schema, { whitespace: "spaced" }).accepts;
  for (const text of ["2.0", '{"a": 0.0}']) assert.ok(!spaced(text), text);
});
