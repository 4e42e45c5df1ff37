import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatTemplate } from "./chat-template.ts";

function reasoningOf(source: string, controlTexts: readonly string[] = []) {
  return new ChatTemplate(source, { bosText: "<s>", eosText: "</s>", controlTexts }).facts
    .reasoning;
}

const SAID = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";

test("a template that knows of no tags knows of no reasoning", () => {
  assert.equal(reasoningOf(SAID), undefined);
});

test("a template that begins to think in the prompt, unless told not to, closes what it opens", () => {
  const reasoning = reasoningOf(
    `${SAID}<think>\n{% if enable_thinking is false %}\n</think>\n\n{% endif %}`,
  );
  assert.deepEqual(reasoning, {
    begin: "<think>",
    end: "</think>",
    answerBegins: [],
    answerMark: "</think>",
    closing: "\n</think>\n\n",
    offPrefix: "",
    opens: { default: true, on: true, off: false, effort: true },
    inControlTokens: false,
    field: "reasoning_content",
  });
});

test("a template that does not heed what it is told is closed by what the answer begins with", () => {
  assert.equal(reasoningOf(`${SAID}<think>\n{# </think> #}`)?.offPrefix, "\n</think>\n\n");
  assert.equal(reasoningOf(`${SAID}{# </think> #}`)?.offPrefix, "<think>\n</think>\n\n");
  const elsewhere = `{% if thinking %}Think.{# </think> #}{% endif %}${SAID}`;
  assert.equal(reasoningOf(elsewhere)?.offPrefix, "");
});

for (const [begin, end] of [
  ["<seed:think>", "</seed:think>"],
  ["[THINK]", "[/THINK]"],
  ["<|START_THINKING|>", "<|END_THINKING|>"],
  ["<|inner_prefix|>", "<|inner_suffix|>"],
] as const) {
  test(`${begin} is found in a template that writes it around earlier thoughts`, () => {
    const source = `{% for m in messages %}{% if m.thinking %}${begin}{{ m.thinking }}${end}{% endif %}{{ m.content }}{% endfor %}`;
    const reasoning = reasoningOf(source, [begin]);
    assert.equal(reasoning?.begin, begin);
    assert.equal(reasoning.end, end);
    assert.equal(reasoning.field, "thinking");
    assert.equal(reasoning.inControlTokens, true);
  });
}

for (const name of ["response", "answer"]) {
  test(`an answer may stand between tags named ${name}`, () => {
    const source = `Think in <think></think> and answer in <${name}></${name}>.${SAID}`;
    const reasoning = reasoningOf(source);
    assert.deepEqual(reasoning?.answerBegins, [`<${name}>`]);
    assert.equal(reasoning.answerEnd, `</${name}>`);
  });
}

test("thoughts and answers may be channels that are opened and closed by name", () => {
  const source = `{% macro open_tag(tag) %}<|open|>{{ tag }}<|sep|>{% endmacro %}${SAID}
    {{- open_tag('think' if thinking is not false else 'response') }}`;
  const reasoning = reasoningOf(source, ["<|open|>", "<|close|>", "<|sep|>"]);
  assert.equal(reasoning?.begin, "<|open|>think<|sep|>");
  assert.equal(reasoning.answerEnd, "<|close|>response<|sep|>");
  assert.deepEqual(reasoning.opens, { default: true, on: true, off: false, effort: true });
});

test("thoughts may be messages to oneself, and answers messages to the user", () => {
  const source = `{% for m in messages %}{% if m.reasoning_content %}{{ '<|start|>assistant to=self<|message|>' + m.reasoning_content + '<|eom|>' }}{% endif %}{{ m.content }}{% endfor %}<|start|>assistant`;
  const reasoning = reasoningOf(source, ["<|start|>", "<|message|>", "<|eom|>"]);
  assert.equal(reasoning?.begin, " to=self<|message|>");
  assert.equal(reasoning.end, "<|eom|>");
  assert.equal(reasoning.partBegin, "<|start|>assistant");
  assert.equal(reasoning.offPrefix, " to=user<|message|>");
  assert.deepEqual(reasoning.opens, { default: false, on: false, off: false, effort: false });
});

test("tags that nobody has heard of are found around earlier thoughts", () => {
  const source = `{% for m in messages %}{% if m.reasoning %}<my-thoughts>{{ m.reasoning }}</my-thoughts>{% endif %}{{ m.content }}{% endfor %}`;
  const reasoning = reasoningOf(source);
  assert.deepEqual([reasoning?.begin, reasoning?.end], ["<my-thoughts>", "</my-thoughts>"]);
});

test("what a model thought before reaches its template under the name that it looks for", () => {
  const source = `{% for m in messages %}{% if m.thinking %}<think>{{ m.thinking }}</think>{% endif %}{{ m.content }}{% endfor %}`;
  const template = new ChatTemplate(source, { bosText: "", eosText: "", controlTexts: [] });
  const message = { role: "assistant", content: "Yes.", reasoning_content: "Hm." };
  assert.equal(template.render({ messages: [message] })[0]?.text, "<think>Hm.</think>Yes.");
});
