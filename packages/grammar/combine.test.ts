import assert from "node:assert/strict";
import { test } from "node:test";
import { eitherGrammar, repeatGrammar, sequenceGrammar, textGrammar } from "./combine.ts";
import { schemaGrammar } from "./compile-schema.ts";
import { acceptsText, programOf } from "./gbnf/recognize.ts";
import type { Grammar } from "./rules/grammar.ts";

const accepts = (grammar: Grammar, texts: readonly string[]): readonly boolean[] =>
  texts.map((text) => acceptsText(programOf(grammar), text));
const comma = textGrammar(", ");
const number = schemaGrammar({ enum: [1, 22] });

test("grammars follow one another, or one of them is enough", () => {
  const call = sequenceGrammar([textGrammar("f("), number, textGrammar(")")]);
  assert.deepEqual(accepts(call, ["f(1)", "f(22)", "f()", "f(1", "1"]), [
    true,
    true,
    false,
    false,
    false,
  ]);
  const either = eitherGrammar([call, textGrammar("no")]);
  assert.deepEqual(accepts(either, ["f(1)", "no", "nof(1)", ""]), [true, true, false, false]);
});

for (const [least, most, allowed] of [
  [0, undefined, [0, 1, 2, 3, 4, 5]],
  [2, undefined, [2, 3, 4, 5]],
  [0, 1, [0, 1]],
  [1, 3, [1, 2, 3]],
  [3, 3, [3]],
] as const) {
  test(`a grammar is repeated from ${least} to ${most ?? "any number of"} times`, () => {
    const repeated = repeatGrammar(number, { between: comma, least, most });
    const counts = [0, 1, 2, 3, 4, 5];
    const texts = counts.map((count) => Array.from({ length: count }, () => "1").join(", "));
    const wanted = counts.map((count) => (allowed as readonly number[]).includes(count));
    assert.deepEqual(accepts(repeated, texts), wanted);
    assert.deepEqual(accepts(repeated, ["1,", "1 1", ", 1"]), [false, false, false]);
  });
}

test("a repetition that is none is refused", () => {
  assert.throws(() => repeatGrammar(number, { between: comma, least: 3, most: 2 }), RangeError);
  assert.throws(() => repeatGrammar(number, { between: comma, least: 0, most: 0 }), RangeError);
});
