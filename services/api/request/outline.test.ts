import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { outlineOf } from "./outline.ts";

const FIELDS = { model: "model", stream: "stream", prompt: "messages" };
const outline = (text: string) => outlineOf(Buffer.from(text), FIELDS);

test("the outline of any JSON object agrees with a JSON parser", () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  const key = fc.oneof(
    fc.constantFrom("model", "stream", "messages", "__proto__", 'mo"del', "mo\\del"),
    fc.string(),
  );
  const object = fc.array(fc.tuple(key, value), { maxLength: 8 });
  const space = fc.constantFrom("", " ", "\n\t ", "\r\n");
  fc.assert(
    fc.property(object, space, (entries, gap) => {
      const fields = entries.map(
        ([name, one]) =>
          `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(one, undefined, gap)}${gap}`,
      );
      const text = `${gap}{${gap}${fields.join(",")}}${gap}`;
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const found = outline(text);
      const has = (name: string) => Object.hasOwn(parsed, name);
      assert.deepEqual(found.model, has("model") ? parsed["model"] : undefined);
      assert.equal(found.stream, has("stream") && parsed["stream"] === true);
      assert.equal(found.prompt !== undefined, has("messages"));
    }),
  );
});

test("what is cut off anywhere, or followed by more, is refused", () => {
  const text = '{"model":"a","messages":[{"role":"user","content":"x\\"y"}],"n":1}';
  for (let length = 0; length < text.length; length++) {
    assert.throws(() => outline(text.slice(0, length)), { status: 400 }, text.slice(0, length));
  }
  for (const more of ["}", ",", "x", "{}"])
    assert.throws(() => outline(text + more), { status: 400 });
});

test("keys that are written with escapes count, and the last of two equal ones", () => {
  assert.equal(outline('{"mod\\u0065l":"a"}').model, "a");
  assert.equal(outline('{"model":"a","model":"b"}').model, "b");
  assert.equal(outline('{"model":"a","x":{"model":"b"}}').model, "a");
  assert.equal(outline('{"stream":true,"stream":false}').stream, false);
});

const parts = (text: string) => {
  const { prompt } = outline(text);
  let from = prompt?.start ?? 0;
  return prompt?.ends.map((end) => {
    const part = text.slice(from, end);
    from = end;
    return part;
  });
};

test("the parts of a prompt are its messages, or all of it", () => {
  assert.deepEqual(parts('{"messages":[{"a":[1,{}]},{"b":2}],"n":1}'), [
    '[{"a":[1,{}]}',
    ',{"b":2}',
  ]);
  assert.deepEqual(parts('{"messages": "a, b" }'), ['"a, b"']);
  assert.deepEqual(parts('{"messages":[1,22, 3]}'), ["[1,22, 3]"]);
});

test("another endpoint's fields are found by its own names", () => {
  const fields = { model: "llm", prompt: "story" };
  const body = Buffer.from('{"model":"a","llm":"b","stream":true,"messages":[],"story":"once"}');
  const { model, stream, prompt } = outlineOf(body, fields);
  assert.deepEqual([model, stream], ["b", false]);
  assert.equal(body.subarray(prompt?.start, prompt?.ends.at(-1)).toString(), '"once"');
});
