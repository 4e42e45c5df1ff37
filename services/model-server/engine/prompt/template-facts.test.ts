import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTemplate, renderTemplate } from "@localmodel/jinja/template.ts";
import { ChatTemplate, CHATML } from "./chat-template.ts";
import { templateFacts } from "./template-facts.ts";

const TOKENS = { bosText: "<s>", eosText: "</s>", controlTexts: [] };

function factsOf(source: string) {
  const template = parseTemplate(source);
  return templateFacts((variables) => renderTemplate(template, { tools: null, ...variables }), {
    source,
    controlTexts: [],
  });
}

/** Says every message, and calls as `written` has them. */
function calling(written: string, before = ""): string {
  return `${before}{% for t in tools or [] %}{{ t | tojson }}{% endfor %}
{%- for m in messages %}{{ m.role }}: {{ m.content or '' }}
{%- for call in m.tool_calls or [] %}{{ call.function.name }} ${written}{% endfor %}
{%- endfor %}`;
}

test("a template that only writes what is said takes no tools, and calls of tools neither", () => {
  assert.deepEqual(factsOf(CHATML), {
    takesSystem: true,
    takesText: true,
    takesParts: false,
    takesTools: false,
    takesToolCalls: false,
    takesToolResults: true,
    argumentsAs: "text",
    callContent: "empty",
    needsShortCallIds: false,
  });
});

for (const [what, written, argumentsAs] of [
  ["writes their JSON", "{{ call.function.arguments | tojson }}", "object"],
  [
    "goes through them",
    "{% for k, v in call.function.arguments | items %}{{ k }}={{ v }}{% endfor %}",
    "object",
  ],
  ["appends them", "{{ '' + call.function.arguments }}", "text"],
  ["prints them, which of an object is Python", "{{ call.function.arguments }}", "text"],
  [
    "takes them both ways",
    "{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}",
    "text",
  ],
] as const) {
  test(`a template that ${what} gets the arguments of a call as ${argumentsAs}`, () => {
    const facts = factsOf(calling(written));
    assert.equal(facts.argumentsAs, argumentsAs);
    assert.ok(facts.takesTools && facts.takesToolCalls && facts.takesToolResults);
  });
}

test("a template that looks at the ids of calls gets such as it wants", () => {
  const source = calling(
    "{% if call.id | length != 9 %}{{ raise_exception('ids!') }}{% endif %}{{ call.function.arguments | tojson }}",
  );
  const { needsShortCallIds, argumentsAs } = factsOf(source);
  assert.deepEqual(
    { needsShortCallIds, argumentsAs },
    { needsShortCallIds: true, argumentsAs: "object" },
  );
});

test("a template that takes calls only where nothing is said is given nothing there", () => {
  const source = `{% for m in messages %}
{%- if m.content is none %}{{ m.tool_calls | tojson }}{% else %}{{ m.content }}{% endif %}{% endfor %}`;
  const template = new ChatTemplate(source, TOKENS);
  assert.equal(template.facts.callContent, "null");
  const call = { id: "1", type: "function", function: { name: "add", arguments: { a: 1 } } };
  const [segment] = template.render({
    messages: [{ role: "assistant", content: "", tool_calls: [call] }],
  });
  assert.match(segment?.text ?? "", /"add"/);
});

test("a template without a place for a system message takes none", () => {
  const silent = `{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}`;
  const refusing = `{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}${CHATML}`;
  assert.equal(factsOf(silent).takesSystem, false);
  assert.equal(factsOf(refusing).takesSystem, false);
});

test("a template that wants its content in parts is told from one that prints them", () => {
  const inParts = `{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}`;
  const { takesText, takesParts } = factsOf(inParts);
  assert.deepEqual({ takesText, takesParts }, { takesText: false, takesParts: true });
});

test("a template that cannot do without tools is rendered with none of them", () => {
  const source = `{% for t in tools %}{{ t.name }}{% endfor %}{{ messages[0].content }}{{ functions | length }}`;
  const template = new ChatTemplate(source, TOKENS);
  assert.equal(template.render({ messages: [{ role: "user", content: "hi" }] })[0]?.text, "hi2");
});

test("a template that can render nothing says why", () => {
  assert.throws(() => factsOf("{{ raise_exception('Not today.') }}"), /Not today\./);
  assert.throws(() => factsOf("hello"), /what a user says is not in what it writes: "hello"/);
});
