/** Pictures in tools' results, with templates of the kinds that there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import type { ContentPart } from "@localmodel/inference/picture.ts";
import { ChatTemplate } from "./chat-template.ts";
import type { Segment } from "./marks.ts";

const TOKENS = { bosText: "<s>", eosText: "</s>", controlTexts: ["<s>", "</s>"] };

const image = (picture: number): ContentPart => ({ type: "image", picture });
const words = (text: string): ContentPart => ({ type: "text", text });
const user = (content: string): TemplateMessage => ({ role: "user", content });
const assistant = (content: string): TemplateMessage => ({ role: "assistant", content });
const calling = (id: string): TemplateMessage => ({
  role: "assistant",
  content: "",
  tool_calls: [{ id, type: "function", function: { name: "look", arguments: "{}" } }],
});
const result = (id: string, ...content: readonly ContentPart[]): TemplateMessage => ({
  role: "tool",
  tool_call_id: id,
  content,
});

/** As Qwen2.5-VL's: results are in turns of the user, with all that is in them. */
const SAYS_RESULTS = `{% for m in messages %}{% if m.role == 'tool' %}[user] <tool_response>{{ m.content }}</tool_response> {% elif m.tool_calls %}[call] {% else %}[{{ m.role }}] {{ m.content }} {% endif %}{% endfor %}`;
/** Results are what they are called. */
const LEAVES_OUT = SAYS_RESULTS.replace("m.content }}</tool", "m.tool_call_id }}</tool");
/** As Mistral's: users and models in turn, calls and their results not counted; results as JSON, of words alone. */
const ALTERNATES = `{% set ns = namespace(turn=0) %}{% for m in messages %}{% if m.role == 'user' or (m.role == 'assistant' and not m.tool_calls) %}{% if (m.role == 'user') != (ns.turn % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% set ns.turn = ns.turn + 1 %}{% endif %}{% endfor %}`;
/** As Gemma 3's: no such role. */
const REFUSES = `{% for m in messages %}{% if m.role == 'tool' and '(image' not in m.content %}{{ raise_exception('only words') }}{% endif %}{% endfor %}`;

function rendered(source: string, messages: readonly TemplateMessage[]): string {
  const segments: readonly Segment[] = new ChatTemplate(source, TOKENS).render({ messages });
  return segments.map((one) => ("index" in one ? `<${one.index}>` : one.text)).join("");
}

const SHOWN = [user("Look."), calling("c1"), result("c1", words("there: "), image(0))];

test("stay where they are with a template that writes them", () => {
  assert.equal(
    rendered(SAYS_RESULTS, SHOWN),
    "[user] Look. [call] [user] <tool_response>there: <0></tool_response> ",
  );
});

test("are shown by the user behind the results where a template leaves them out", () => {
  const twice = [...SHOWN, calling("c2"), result("c2", image(1)), result("c3", words("none"))];
  assert.equal(
    rendered(LEAVES_OUT, [...twice, assistant("I see."), user("Sure?")]),
    "[user] Look. [call] [user] <tool_response>c1</tool_response> [user] <0> [call] " +
      "[user] <tool_response>c2</tool_response> [user] <tool_response>c3</tool_response> [user] <1> " +
      "[assistant] I see. [user] Sure? ",
  );
  assert.equal(
    rendered(LEAVES_OUT, [...SHOWN, user("What is it?")]),
    "[user] Look. [call] [user] <tool_response>c1</tool_response> [user] <0>What is it? ",
  );
});

test("are shown by the user before the call where none of his messages may follow a result", () => {
  assert.equal(
    rendered(ALTERNATES + LEAVES_OUT, [...SHOWN, assistant("I see."), user("Sure?")]),
    "[user] Look.<0> [call] [user] <tool_response>c1</tool_response> [assistant] I see. [user] Sure? ",
  );
});

test("are shown by the user where a template refuses them, and their place says so", () => {
  assert.equal(
    rendered(REFUSES + SAYS_RESULTS, SHOWN),
    "[user] Look. [call] [user] <tool_response>there: (image below)</tool_response> [user] <0> ",
  );
});

test("leave a template that refuses the messages in any case with what it says of them", () => {
  const refuses = "{{ raise_exception('never') }}";
  assert.throws(() => rendered(`{% if messages|length > 1 %}${refuses}{% endif %}x`, SHOWN), {
    status: 400,
    message: /never/,
  });
});

test("are taken as they are, or left out, for who asks for his messages as they are", () => {
  const template = new ChatTemplate(LEAVES_OUT, TOKENS);
  const templateVariables = { merge_messages: false };
  const segments = template.render({ messages: SHOWN, templateVariables });
  assert.ok(segments.every(({ kind }) => kind !== "picture"));
});
