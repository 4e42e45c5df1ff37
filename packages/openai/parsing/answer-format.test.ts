import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
import { chatWire } from "../chat/chat-wire.ts";
import { completionWire } from "../completions/completion-wire.ts";

const messages = [{ role: "user", content: "Hi" }];
/** With nulls, which mean something in a schema. */
const schema = { type: ["object", "null"], enum: [null, { a: null }], default: null };
const anything = { kind: "schema", schema: { type: "object" } };

for (const [fields, language] of [
  [{}, undefined],
  [{ response_format: { type: "text" } }, undefined],
  [{ response_format: null, guided_json: {}, grammar: "", format: "" }, undefined],
  [{ response_format: { type: "json_object" } }, { ...anything, field: "response_format" }],
  [
    { response_format: { type: "json_object", schema } },
    { kind: "schema", schema, field: "response_format.schema" },
  ],
  [
    { response_format: { type: "json_schema", schema } },
    { kind: "schema", schema, field: "response_format.schema" },
  ],
  ...[true, false, null].map((strict) => [
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "n", description: "d", strict, schema },
      },
    },
    { kind: "schema", schema, field: "response_format.json_schema.schema" },
  ]),
  [{ guided_json: schema }, { kind: "schema", schema, field: "guided_json" }],
  [{ guided_json: JSON.stringify(schema) }, { kind: "schema", schema, field: "guided_json" }],
  [{ guided_regex: "a+" }, { kind: "regex", pattern: "a+", field: "guided_regex" }],
  [{ guided_choice: ["a", "b"] }, { kind: "choice", texts: ["a", "b"], field: "guided_choice" }],
  [
    { guided_grammar: "root ::= [a]" },
    { kind: "gbnf", text: "root ::= [a]", field: "guided_grammar" },
  ],
  [
    { structured_outputs: { json: schema } },
    { kind: "schema", schema, field: "structured_outputs.json" },
  ],
  [
    { structured_outputs: { json_object: true } },
    { ...anything, field: "structured_outputs.json_object" },
  ],
  [
    { structured_outputs: { regex: "a+", choice: null } },
    { kind: "regex", pattern: "a+", field: "structured_outputs.regex" },
  ],
  [
    { structured_outputs: { choice: ["a"] } },
    { kind: "choice", texts: ["a"], field: "structured_outputs.choice" },
  ],
  [
    { structured_outputs: { grammar: "root ::= [a]" } },
    { kind: "gbnf", text: "root ::= [a]", field: "structured_outputs.grammar" },
  ],
  [{ json_schema: schema }, { kind: "schema", schema, field: "json_schema" }],
  [{ grammar: "root ::= [a]" }, { kind: "gbnf", text: "root ::= [a]", field: "grammar" }],
  [{ format: "json" }, { ...anything, field: "format" }],
  [{ format: schema }, { kind: "schema", schema, field: "format" }],
] as const) {
  test(`${JSON.stringify(fields).slice(0, 70)} asks for ${JSON.stringify(language)?.slice(0, 60)}`, () => {
    for (const [wire, body] of [
      [chatWire, { messages }],
      [completionWire, { prompt: "Hi" }],
    ] as const) {
      const { ask, ignored } = wire.understand({ ...body, ...fields });
      assert.deepEqual(ask.constraint?.grammar?.language, language);
      assert.deepEqual(ignored, []);
    }
  });
}

test("a schema that is asked for and not sent is missing where OpenAI has it", () => {
  assert.throws(
    () => chatWire.understand({ messages, response_format: { type: "json_schema" } }),
    (error) =>
      error instanceof Failure &&
      error.data.field === "response_format.json_schema" &&
      error.message.includes("Missing"),
  );
});

const deep = `{"not":`.repeat(5000) + "{}" + "}".repeat(5000);
for (const [field, fields] of [
  ["guided_json", { guided_json: deep }],
  ["structured_outputs.json", { structured_outputs: { json: deep } }],
] as const) {
  test(`a schema sent as text in ${field} is no deeper than one that is no text`, () => {
    assert.throws(
      () => chatWire.understand({ messages, ...fields }),
      (error) =>
        error instanceof Failure &&
        error.data.field === field &&
        error.message.includes("nested deeper than 64 levels"),
    );
  });
}
