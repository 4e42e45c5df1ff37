/** Bodies as bytes: what is refused before anything is built from it, and after how much work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
import * as fc from "fast-check";
import { JsonShape } from "./json-shape.ts";
import { parseJson, parseShortJson } from "./json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function excessOf(text: string, steps = Infinity): string | undefined {
  const shape = new JsonShape(bytes(text));
  while (!shape.advance(steps));
  return shape.excess;
}

const neverAsked = () => assert.fail("it let others have a turn");

for (const [name, body, message] of [
  ["nothing", bytes(""), /it is empty/],
  ["half an object", bytes('{"a":'), /not valid JSON/],
  ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), /not valid UTF-8/],
  ["65 levels", bytes("[".repeat(65) + "]".repeat(65)), /deeper than 64/],
  ["65 levels of objects", bytes('{"a":'.repeat(65) + "1" + "}".repeat(65)), /deeper than 64/],
] as const) {
  test(`a body of ${name} is refused`, async () => {
    const refusal = { status: 400, message };
    await assert.rejects(parseJson(body, neverAsked), refusal);
    assert.throws(() => parseShortJson(body), refusal);
  });
}

const deep = "[".repeat(65);
for (const [what, text, field] of [
  ["is in a field", `{"a":"b","c":[1],"messages" : ${deep}`, "messages"],
  ["comes behind a text", `{"a":"b","tools":["x",${deep}`, "tools"],
  ["is in a field of an unlikely name", `{"a b":${deep}`, undefined],
  ["is in a field of a long name", `{"${"a".repeat(65)}":${deep}`, undefined],
  ["is in a list", `["a",${deep}`, undefined],
  ["is the fields themselves", `{${'"a":1,'.repeat(300)}"b":1}`, undefined],
] as const) {
  test(`what is too much and ${what} is ${field === undefined ? "nobody's" : "named by it"}`, () => {
    for (const steps of [1, 20, Infinity]) {
      const shape = new JsonShape(bytes(text));
      while (!shape.advance(steps));
      assert.notEqual(shape.excess, undefined);
      assert.equal(shape.field, field);
    }
    assert.throws(
      () => parseShortJson(bytes(text)),
      (error) => error instanceof Failure && error.data.field === (field ?? null),
    );
  });
}

const object = (fields: number) => `{${'"a":1,'.repeat(fields - 1)}"b":1}`;
const biases = Array.from({ length: 190_000 }, (_, token) => `"${token}":1`).join(",");

/** What is looked at of each before it is refused, whatever its length: steps are bytes, or less than bytes. */
for (const [name, text, message, steps] of [
  ["a million levels", "[".repeat(1e6) + "]".repeat(1e6), /deeper than 64 levels/, 100],
  ["three million models", object(3_100_000).replaceAll('"a"', '"model"'), /256 fields at/, 8000],
  ["190,000 unknown fields", `{${biases}}`, /more than 256 fields at the top/, 8000],
  ["190,000 biases", `{"logit_bias":{${biases}}}`, /10000 fields in one object/, 300_000],
  ["fifteen million numbers", `{"a":[${"1,".repeat(15e6)}1]}`, /more than 1000000 val/, 2_000_100],
  ["objects without number", `[${"{},".repeat(300_000)}1]`, /more than 200000 objects/, 700_000],
  ["fields without number", `[${`${object(9000)},`.repeat(100)}1]`, /more than 200000 fields/, 5e6],
  ["colons alone", ":".repeat(1e6), /more than 256 fields at the top/, 300],
] as const) {
  test(`${name} are refused before all of it has been looked at`, () => {
    const shape = new JsonShape(bytes(text));
    assert.equal(shape.advance(steps), true, "it would go on");
    assert.match(shape.excess ?? "", message);
  });
}

test("as much as a request may have is accepted", async () => {
  const messages = Array.from({ length: 16_384 }, () => ({
    role: "user",
    content: [{ type: "text", text: "a" }],
  }));
  assert.equal(excessOf(JSON.stringify({ messages })), undefined);
  assert.equal(excessOf(object(256)), undefined);
  const bias = Object.fromEntries(Array.from({ length: 10_000 }, (_, token) => [token, 1]));
  assert.equal(excessOf(JSON.stringify({ logit_bias: bias })), undefined);
  assert.equal(excessOf(`{"prompt":[${"1,".repeat(999_999)}1]}`), undefined);
});

for (const [name, text, steps] of [
  ["escaped quotes", `"${'\\"'.repeat(100_000)}"`, 1000],
  ["backslashes", `"${"\\\\".repeat(100_000)}"`, 1000],
  ["empty strings", `[${'"",'.repeat(100_000)}1]`, 1000],
  ["a number", "1".repeat(200_000), 1000],
  ["white space", " ".repeat(200_000), 1000],
] as const) {
  test(`the look at many ${name} stops for others again and again`, () => {
    const shape = new JsonShape(bytes(text));
    let turns = 0;
    while (!shape.advance(steps)) turns++;
    assert.ok(turns >= 100, `${turns}`);
    assert.equal(shape.excess, undefined);
  });
}

test("a large body lets others have their turns, and a small one does not wait", async () => {
  let turns = 0;
  const turn = async () => void turns++;
  assert.deepEqual(await parseJson(bytes('{"a":[1]}'), neverAsked), { a: [1] });
  const sent = Array.from({ length: 500_000 }, (_, index) => index);
  assert.deepEqual(await parseJson(bytes(JSON.stringify(sent)), turn), sent);
  assert.ok(turns >= 10, `${turns}`);
});

test("what is inside a string is text, not structure, wherever the look is interrupted", () => {
  const nasty = fc.stringMatching(/^[[\]{}:"\\]{0,300}$/);
  const steps = fc.constantFrom(1, 3, 20, Infinity);
  fc.assert(
    fc.property(fc.oneof(nasty, fc.string({ unit: "binary" })), steps, (text, atOnce) => {
      const value = { [text]: [text, { text }] };
      assert.equal(excessOf(JSON.stringify(value), atOnce), undefined);
      assert.match(excessOf(`[${JSON.stringify(text)},${"[".repeat(64)}`, atOnce) ?? "", /deeper/);
    }),
  );
  assert.match(excessOf('"\\\\"' + "[".repeat(65)) ?? "", /deeper/);
  assert.equal(excessOf('"\\\\\\"' + "[".repeat(65)), undefined, "the string never ends");
});

test("a body may have 64 levels and a byte order mark", async () => {
  assert.deepEqual(await parseJson(bytes('\ufeff{"a":1}'), neverAsked), { a: 1 });
  await assert.doesNotReject(parseJson(bytes("[".repeat(64) + "]".repeat(64)), neverAsked));
});
