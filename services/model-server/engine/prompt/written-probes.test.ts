import assert from "node:assert/strict";
import { test } from "node:test";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import { ChatTemplate } from "./chat-template.ts";

const TOKENS = { bosText: "", eosText: "<|end|>", controlTexts: ["<|end|>", "<|eom|>"] };

/** A template that nobody has described: `calls` is what it writes of a message's. */
function syntaxOf(calls: string, end = "<|end|>") {
  const source = `{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}
{%- for m in messages %}<{{ m.role }}>{{ m.content or '' }}
{%- if m.tool_calls %}${calls}${end}{% else %}<|end|>{% endif %}{% endfor %}
{%- if add_generation_prompt %}<assistant>{% endif %}`;
  const template = new ChatTemplate(source, { ...TOKENS, endTexts: ["<|end|>", "<|eom|>"] });
  return toolSyntaxOf(source, template.writtenProbes);
}

const NAME = "{{ call.function.name }}";
const JSON_OF_IT = "{{ call.function.arguments | tojson }}";

test("calls as JSON between markers, and the list that they are in", () => {
  const each = `{"tool": "${NAME}", "input": ${JSON_OF_IT}}{{ ',' if not loop.last }}`;
  const { name, ...syntax } = syntaxOf(
    `<|calls|>[{% for call in m.tool_calls %}${each}{% endfor %}]<|/calls|>`,
  );
  assert.equal(name, "derived");
  assert.deepEqual(syntax, {
    marker: "<|calls|>",
    begin: "<|calls|>[",
    between: ",",
    end: "]<|/calls|>",
    form: { kind: "object", before: "", after: "", nameKey: "tool", argumentsKey: "input" },
  });
});

test("a name in a marker, and the arguments behind it, numbered and with their id", () => {
  const each = `<|run|>${NAME}:{{ loop.index0 }}<|id|>{{ call.id }}<|do|>${JSON_OF_IT}<|ran|>`;
  const { form } = syntaxOf(`{% for call in m.tool_calls %}${each}{% endfor %}`);
  assert.deepEqual(form, {
    kind: "named",
    before: "<|run|>",
    afterName: ":{n}<|id|>{id}<|do|>",
    after: "<|ran|>",
  });
});

test("arguments one by one, in tags that close with their key", () => {
  const each = `<do ${NAME}>{% for k, v in call.function.arguments | items %}<{{ k }}>{{ v }}</{{ k }}>{% endfor %}</do>`;
  const { form, marker } = syntaxOf(`{% for call in m.tool_calls %}${each}{% endfor %}`);
  assert.equal(marker, "");
  assert.deepEqual(form, {
    kind: "tagged",
    before: "<do ",
    afterName: ">",
    beforeKey: "<",
    afterKey: ">",
    afterValue: "</{key}>",
    after: "</do>",
  });
});

test("a name twice: in the head of a message of its own, and again in its tags", () => {
  const args = `{% for k, v in call.function.arguments | items %}<with {{ k }}>{{ v }}</with>\n{% endfor %}`;
  const each = ` to=${NAME}<|message|><do ${NAME}>\n${args}</do>`;
  const between = "{% if not loop.last %}<|eom|><|start|>assistant{% endif %}";
  const { marker, ...found } = syntaxOf(
    `{% for call in m.tool_calls %}${each}${between}{% endfor %}`,
  );
  assert.equal(marker, " to={name}<|message|>");
  assert.equal(found.between, "<|eom|><|start|>assistant");
  assert.ok(found.form.kind === "tagged");
  assert.equal(found.form.before, " to={name}<|message|><do ");
});

test("a name twice, and the arguments as JSON", () => {
  const { form } = syntaxOf(
    `{% for call in m.tool_calls %}<|run|>${NAME}: ${NAME} ${JSON_OF_IT}{% endfor %}`,
  );
  assert.deepEqual(form, { kind: "named", before: "<|run|>{name}: ", afterName: " ", after: "" });
});

test("another token that ends a turn is not of the calls", () => {
  const { end, form } = syntaxOf(
    `<|run|>{{ m.tool_calls[0].function.name }}({{ m.tool_calls[0].function.arguments | tojson }})`,
    "<|eom|>",
  );
  assert.equal(end, "");
  assert.ok(form.kind === "named" && form.after === ")");
});

for (const [what, calls] of [
  ["behind their arguments", `{% for call in m.tool_calls %}${JSON_OF_IT} -> ${NAME}{% endfor %}`],
  [
    "in capitals",
    `{% for call in m.tool_calls %}{{ call.function.name | upper }} ${JSON_OF_IT}{% endfor %}`,
  ],
] as const) {
  test(`what has the name ${what} is described by no form, and its models are told how to call`, () => {
    assert.equal(syntaxOf(calls).name, "generic");
  });
}

const ARGUMENTS = "for k, v in call.function.arguments | items";

test("calls as Python writes them, each on its line, with texts in single quotes", () => {
  const value = "{% if v is string %}'{{ v }}'{% else %}{{ v | tojson }}{% endif %}";
  const args = `{% ${ARGUMENTS} %}{{ k }}=${value}{{ ', ' if not loop.last }}{% endfor %}`;
  const { begin, end, form } = syntaxOf(
    `<calls>{% for call in m.tool_calls %}{{ '\\n' }}${NAME}(${args}){% endfor %}</calls>`,
  );
  assert.deepEqual([begin, end], ["<calls>", "</calls>"]);
  assert.deepEqual(form, {
    kind: "tagged",
    before: "\n",
    afterName: "(",
    beforeKey: "",
    afterKey: { text: "='", json: "=" },
    afterValue: { text: "'", json: "" },
    separator: ", ",
    after: ")",
  });
});

test("texts between marks, and all else as JSON", () => {
  const value = "{% if v is string %}<q>{{ v }}<q>{% else %}{{ v | tojson }}{% endif %}";
  const args = `{% ${ARGUMENTS} %}{{ k }}:${value}{{ ',' if not loop.last }}{% endfor %}`;
  const { marker, form } = syntaxOf(
    `{% for call in m.tool_calls %}<do>call:${NAME}{{ '{' }}${args}{{ '}' }}<done>{% endfor %}`,
  );
  assert.equal(marker, "<do>");
  assert.deepEqual(form, {
    kind: "tagged",
    before: "<do>call:",
    afterName: "{",
    beforeKey: "",
    afterKey: { text: ":<q>", json: ":" },
    afterValue: { text: "<q>", json: "" },
    separator: ",",
    after: "}<done>",
  });
});

test("a list of calls that nothing marks is known by the name of a tool", () => {
  const each = "{{ call.function | tojson }}{{ ', ' if not loop.last }}";
  const { begin, marker } = syntaxOf(`[{% for call in m.tool_calls %}${each}{% endfor %}]`);
  assert.deepEqual([begin, marker], ["[", ""]);
});
