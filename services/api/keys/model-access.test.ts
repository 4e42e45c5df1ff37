import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matches } from "./model-access.ts";

for (const [glob, name, expected] of [
  ["llama", "llama", true],
  ["llama", "llama-2", false],
  ["llama*", "llama-2", true],
  ["llama*", "my-llama", false],
  ["*", "", true],
  ["org/*", "org/a/b", true],
  ["*:q4", "a:q4", true],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-c-b", false],
  // The end must not be found in what the beginning has used up.
  ["ab*ba", "aba", false],
  ["a*a", "a", false],
  ["a.c", "abc", false],
  ["[ab]", "a", false],
] as const) {
  test(`"${glob}" ${expected ? "allows" : "does not allow"} "${name}"`, () => {
    assert.equal(matches(glob, name), expected);
  });
}

test("a glob allows exactly what the same regular expression does", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  fc.assert(
    fc.property(text, name, (glob, candidate) => {
      const expected = new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(candidate);
      assert.equal(matches(glob, candidate), expected);
    }),
    { numRuns: 2000 },
  );
});
