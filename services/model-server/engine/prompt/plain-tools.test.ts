import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatTemplate } from "./chat-template.ts";

const TOKENS = { bosText: "<s>", eosText: "</s>", controlTexts: [] };
const MESSAGES = "{% for m in messages %}{{ m.content }}{% endfor %}";

function shown(source: string, parameters: object): string {
  const template = new ChatTemplate(source + MESSAGES, TOKENS);
  const tools = [{ type: "function", function: { name: "f", description: "", parameters } }];
  const segments = template.render({ messages: [{ role: "user", content: "Hi" }], tools });
  return segments.map(({ text }) => text).join("");
}

test("tools are shown as they came where the template can", () => {
  const parameters = { type: "object", properties: { a: { type: ["string", "null"] } } };
  const source = "{% for t in tools or [] %}{{ t.function.parameters | tojson }}{% endfor %}";
  assert.equal(
    shown(source, parameters),
    '{"type": "object", "properties": {"a": {"type": ["string", "null"]}}}Hi',
  );
});

test("a template that takes every type apart is shown one", () => {
  const source = `{% macro named(schema) %}{% if schema.type == "string" %}str
{%- elif schema.type is iterable %}{% for one in schema.type %}{{ named({"type": one}) }}{% endfor %}
{%- endif %}{% endmacro %}
{%- for t in tools or [] %}{{ named(t.function.parameters.properties.a) }} {% endfor %}`;
  const a = { type: ["string", "null"] };
  assert.equal(shown(source, { type: "object", properties: { a } }), "str Hi");
});

test("a template that wants members and descriptions is shown some", () => {
  const source = `{% for t in tools or [] %}{% for name, each in t.function.parameters.properties.items() -%}
{{ name + each.description + each.type }} {% endfor %}{% endfor %}`;
  assert.equal(shown(source, {}), "Hi");
  const one = { type: "object", properties: { a: { enum: [1] } } };
  const other = {
    type: "object",
    properties: { b: { anyOf: [{ type: "null" }, { const: "x" }] } },
  };
  assert.equal(shown(source, { oneOf: [one, other] }), "anumber bstring Hi");
});
