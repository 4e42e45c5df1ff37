import assert from "node:assert/strict";
import { test } from "node:test";
import { TemplateThread } from "./template-thread.ts";

const TOKENS = { bosText: "<s>", eosText: "</s>", controlTexts: ["<s>", "</s>"] };
const ROOMY = { contextTokens: 1000 };
const SOON = { beatMs: 1000, beats: 5 };

/** What the first message says decides what the template does with the process. */
const TEMPLATE = `{% if messages[0].content == 'loop' -%}
{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}
{%- elif messages[0].content == 'grow' -%}
{% set ns = namespace(all=[]) %}
{%- for a in range(99999) %}{% set ns.all = [ns.all, range(9999)] %}{% endfor %}
{%- endif %}{{ bos_token }}{{ messages[0].content }}`;

function chat(content: string) {
  return { messages: [{ role: "user", content }] };
}

test("renders as the template does in place, refusals included", async () => {
  const thread = new TemplateThread(TEMPLATE, TOKENS);
  assert.deepEqual(await thread.render(chat("hi</s>"), ROOMY), [
    { kind: "template", text: "<s>hi" },
    { kind: "plain", text: "</s>" },
  ]);
  await assert.rejects(thread.render(chat("</s>".repeat(11)), { contextTokens: 10 }), {
    status: 400,
    code: "context_length_exceeded",
  });
});

test("a source that is no template is told where the thread is made", () => {
  assert.throws(() => new TemplateThread("{% for %}", TOKENS));
});

test("a template that does not end is ended, holds up nobody else meanwhile, and the next one is rendered", async () => {
  const thread = new TemplateThread(TEMPLATE, TOKENS, SOON);
  await thread.render(chat("first"), ROOMY);
  let turns = 0;
  const others = setInterval(() => (turns += 1), 1);
  const [looping, next] = await Promise.allSettled([
    thread.render(chat("loop"), ROOMY),
    thread.render(chat("next"), ROOMY),
  ]);
  clearInterval(others);
  assert.ok(looping.status === "rejected");
  assert.match(String(looping.reason), /cannot render these messages: it did not end within 5 s/);
  assert.equal(next.status, "fulfilled");
  assert.ok(turns > 10, `${turns} turns`);
});

test("a template that takes all the memory ends its thread and nothing else", async () => {
  const thread = new TemplateThread(TEMPLATE, TOKENS, { beatMs: 1000, beats: 150 });
  await assert.rejects(thread.render(chat("grow"), ROOMY), {
    status: 400,
    message: /it takes more than 256 MiB of memory/,
  });
  assert.equal((await thread.render(chat("next"), ROOMY)).length, 1);
});

test("what a template takes is found on its thread, and one that does not end has an end there too", async () => {
  const { facts } = await new TemplateThread(TEMPLATE, TOKENS).probed();
  assert.equal(facts.takesText, true);
  const endless = TEMPLATE.replace("messages[0].content == 'loop'", "true");
  await assert.rejects(
    new TemplateThread(endless, TOKENS, SOON).probed(),
    /did not end within 5 s/,
  );
  await assert.rejects(new TemplateThread("{{ raise_exception('No.') }}", TOKENS).probed(), /No\./);
});
