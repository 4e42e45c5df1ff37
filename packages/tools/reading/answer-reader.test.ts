import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutAt, readAnswer } from "../fixtures/read-answer.ts";
import { SYNTAXES, tool } from "../fixtures/syntaxes.ts";
import { writtenCalls } from "../prompt/written-calls.ts";
import { syntaxNamed } from "../fixtures/syntaxes.ts";
import { recoverer } from "./bare-call.ts";

const WEATHER = tool("get_weather", {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" }, tags: { type: "array" } },
  required: ["city"],
});
const TIME = tool("get-time.v2", { type: "object", properties: {} });
const tools = [WEATHER, TIME];

const calls = [
  {
    name: "get_weather",
    arguments: { city: 'Zürich "Nord"\n</parameter', days: 3, tags: ["a}", "]"] },
  },
  { name: "get-time.v2", arguments: {} },
];

for (const syntax of SYNTAXES) {
  const written = syntax.between === undefined ? calls.slice(0, 1) : calls;
  const text = writtenCalls(syntax, written);

  test(`${syntax.name}: calls are read as its template writes them`, () => {
    const answer = readAnswer({ syntax, tools }, [text]);
    const found = answer.calls.map((call) => ({
      ...call,
      arguments: JSON.parse(call.arguments) as unknown,
    }));
    assert.deepEqual(
      found,
      written.map((call) => ({ ...call, complete: true })),
    );
    assert.equal(answer.text, "");
  });

  test(`${syntax.name}: text before calls is text, and how the answer is cut makes no difference`, () => {
    const whole = `Let me see < [ {"name": 1} \n\n${text}`;
    const expected = readAnswer({ syntax, tools }, [whole]);
    assert.equal(expected.text, 'Let me see < [ {"name": 1}');
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (places) => {
        assert.deepEqual(readAnswer({ syntax, tools }, cutAt(whole, places)), expected);
      }),
    );
  });

  test(`${syntax.name}: a call that is cut off has its arguments as far as they came`, () => {
    const complete = readAnswer({ syntax, tools }, [text]).calls[0]?.arguments ?? "";
    for (let length = 0; length < text.length; length++) {
      const cut = readAnswer({ syntax, tools, onlyCalls: true }, [text.slice(0, length)]);
      const [call] = cut.calls;
      assert.ok(call === undefined || complete.startsWith(call.arguments), text.slice(0, length));
      assert.equal(cut.text, "");
    }
  });

  test(`${syntax.name}: what calls no known tool is text, to the letter`, () => {
    const fragments = fc.constantFrom(
      text,
      syntax.begin,
      syntax.marker,
      syntax.end,
      " \n",
      "{",
      '"',
      "<",
      "word",
    );
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 8 }), fc.array(fc.nat(400)), (parts, places) => {
        const whole = parts.join("");
        const answer = readAnswer({ syntax, tools: [tool("other")] }, cutAt(whole, places));
        assert.deepEqual(answer, { text: whole, calls: [] });
      }),
    );
  });
}

test("the beginning of a second call that is cut off is no text", () => {
  const text = writtenCalls(syntaxNamed("hermes"), calls);
  const second = text.lastIndexOf("get-time");
  const { calls: read, text: said } = readAnswer({ syntax: syntaxNamed("hermes"), tools }, [
    text.slice(0, second),
  ]);
  assert.equal(read.length, 1);
  assert.equal(said, "");
});

const hermes = syntaxNamed("hermes");
const isObject = (_tool: unknown, args: unknown) => typeof args === "object" && args !== null;
const recover = recoverer(tools, isObject);

for (const text of [
  '{"name": "get_weather", "arguments": {"city": "Rome"}}',
  '\n```json\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n```\n',
  '<tools>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tools>',
  '{"type": "function", "function": {"name": "get_weather", "parameters": "{\\"city\\": \\"Rome\\"}"}}',
  '{"arguments": {"city": "Rome"}, "name": "get_weather"}',
]) {
  test(`an answer that is nothing but ${JSON.stringify(text)} is that call, however it is cut`, () => {
    const expected = {
      text: "",
      calls: [{ name: "get_weather", arguments: '{"city":"Rome"}', complete: true }],
    };
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (places) => {
        assert.deepEqual(
          readAnswer({ syntax: hermes, tools, recover }, cutAt(text, places)),
          expected,
        );
      }),
    );
  });
}

for (const text of [
  '{"name": "unknown", "arguments": {}}',
  '{"name": "get_weather", "arguments": 5}',
  '{"name": "get_weather", "arguments": {}} and more',
  '{"name": "get_weather"}',
  '{"city": "Rome"}',
  "```json\n{}\n```",
  "``` {",
  "",
  " ",
]) {
  test(`${JSON.stringify(text)} is no call, and stays text`, () => {
    assert.deepEqual(readAnswer({ syntax: hermes, tools, recover }, text.split("")), {
      text,
      calls: [],
    });
  });
}

test("an answer that cannot be a bare call any more is told at once", () => {
  const { text } = readAnswer({ syntax: hermes, tools, recover }, ['{"na', 'med": 1']);
  assert.equal(text, '{"named": 1');
});
