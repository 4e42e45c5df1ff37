import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { JsonShape } from "@localmodel/openai/parsing/json-shape.ts";
import { Outline } from "./outline.ts";

const WANTED = ["model", "stream", "messages"];

/** In as many steps at a time, so that it also stops in the middle of whatever there is. */
function outlined(text: string, steps = Infinity): Outline {
  const body = Buffer.from(text);
  const outline = new Outline(body, WANTED);
  const shape = new JsonShape(body, outline);
  while (!shape.advance(steps));
  return outline;
}

/** The value of a field, as it is written. */
function written(text: string, name: string, steps?: number): string | undefined {
  const field = outlined(text, steps).field(name);
  return field && Buffer.from(text).toString("utf8", field.start, field.end);
}

test("the outline of any JSON object agrees with a JSON parser, however often it is interrupted", () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  const key = fc.oneof(
    fc.constantFrom("model", "stream", "messages", "__proto__", 'mo"del', "mo\\del"),
    fc.string(),
  );
  const object = fc.array(fc.tuple(key, value), { maxLength: 8 });
  const space = fc.constantFrom("", " ", "\n\t ", "\r\n");
  fc.assert(
    fc.property(object, space, fc.constantFrom(1, 2, 17, Infinity), (entries, gap, steps) => {
      const fields = entries.map(
        ([name, one]) =>
          `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(one, undefined, gap)}${gap}`,
      );
      const text = `${gap}{${gap}${fields.join(",")}}${gap}`;
      const parsed = JSON.parse(text) as Record<string, unknown>;
      assert.equal(outlined(text, steps).wrongAt, undefined);
      for (const name of WANTED) {
        const found = written(text, name, steps);
        assert.equal(found !== undefined, Object.hasOwn(parsed, name));
        if (found !== undefined) assert.deepEqual(JSON.parse(found), parsed[name]);
      }
    }),
  );
});

test("what is cut off anywhere, or followed by more, is wrong there", () => {
  const text = '{"model":"a","messages":[{"role":"user","content":"x\\"y"}],"n":1}';
  for (let length = 0; length < text.length; length++) {
    assert.equal(outlined(text.slice(0, length)).wrongAt, length, text.slice(0, length));
  }
  for (const more of ["}", ",", "x", "{}", '""', ":"]) {
    assert.equal(outlined(text + more).wrongAt, text.length, more);
  }
});

for (const [text, wrongAt] of [
  ["[]", 0],
  ['"a"', 0],
  ["1", 0],
  ["{,}", 1],
  ['{"a"}', 4],
  ['{"a":}', 5],
  ['{"a":1,}', 7],
  ['{"a":1 2}', 7],
  ['{"a":"b" "c"}', 9],
  ['{"a":[] {}}', 8],
  ['{"a"::1}', 5],
  ['{"a":1:2}', 6],
  ['{"a":1]', 6],
  ["{1:2}", 1],
  ["{[]:1}", 1],
  ['{"mod\\x":1}', 1],
] as const) {
  test(`${text} is no object: it is wrong at byte ${wrongAt}`, () => {
    assert.equal(outlined(text).wrongAt, wrongAt);
  });
}

test("keys that are written with escapes count, and the last of two equal ones", () => {
  assert.equal(written('{"mod\\u0065l":"a"}', "model"), '"a"');
  assert.equal(written('{"model":"a","model":"b"}', "model"), '"b"');
  assert.equal(written('{"model":"a","x":{"model":"b"}}', "model"), '"a"');
  assert.equal(written('{"stream":true ,"stream": false }', "stream"), "false");
});

test("a key that is longer than any of ours is none of ours", () => {
  const text = `{"${"\\u006d".repeat(1000)}":1,"model":"a"}`;
  assert.equal(written(text, "model"), '"a"');
});

const parts = (text: string) => {
  const field = outlined(text).field("messages");
  let from = field?.start ?? 0;
  return field?.partEnds.map((end) => {
    const part = text.slice(from, end);
    from = end;
    return part;
  });
};

test("the parts of a prompt are its messages", () => {
  assert.deepEqual(parts('{"messages":[{"a":[1,{}]},{"b":2}],"n":1}'), [
    '[{"a":[1,{}]}',
    ',{"b":2}',
  ]);
  assert.deepEqual(parts('{"messages": "a, b" }'), []);
  assert.deepEqual(parts('{"messages":[1,22, 3]}'), []);
});
