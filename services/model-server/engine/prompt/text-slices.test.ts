import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SLICE_CHARACTERS, sliceEnd } from "./text-slices.ts";

const LONGEST = 2 * SLICE_CHARACTERS;

function slicesOf(text: string): string[] {
  const slices: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = sliceEnd(text, start);
    assert.ok(end > start, "no progress");
    slices.push(text.slice(start, end));
    start = end;
  }
  return slices;
}

/** Long texts of every temper: words, one character over and over, mark-up, emoji. */
const longText = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(
          "word ",
          "a",
          " ",
          "\n",
          "<",
          "<|im_end|>",
          "🙂",
          "文",
          "文，",
          "1",
          "x1",
          "line\n",
        ),
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }),
      ),
      fc.integer({ min: 1, max: 12_000 }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.map(([piece, times]) => piece.repeat(times)).join(""));

test("cuts any text into slices that are the text again, none too long to tokenise", () => {
  fc.assert(
    fc.property(longText, (text) => {
      const slices = slicesOf(text);
      assert.equal(slices.join(""), text);
      for (const slice of slices) assert.ok(slice.length <= LONGEST);
    }),
  );
});

test("cuts no character and no control token in two", () => {
  const filler = fc.constantFrom("a", "<", "🙂", "-", " ");
  const place = fc.integer({ min: LONGEST - 40, max: LONGEST + 40 });
  fc.assert(
    fc.property(filler, place, (piece, length) => {
      const text = `${piece.repeat(length).slice(0, length)}<|im_end|>${"a".repeat(LONGEST)}`;
      const slices = slicesOf(text.toWellFormed());
      for (const slice of slices) assert.ok(slice.isWellFormed());
      assert.equal(slices.filter((slice) => slice.includes("<|im_end|>")).length, 1);
    }),
  );
});

for (const [name, piece, begins] of [
  ["words", "some words ", " some"],
  ["lines", "x=1\n", "\nx"],
  ["sentences without spaces", "東京は今日も雨です。", "。東"],
] as const) {
  test(`cuts where ${name} end, not in the middle of one`, () => {
    const slices = slicesOf(piece.repeat(10_000));
    assert.ok(slices.length > 2);
    for (const slice of slices.slice(1)) assert.ok(slice.startsWith(begins.slice(0, 1)));
  });
}

test("leaves a text that is short enough whole", () => {
  assert.equal(sliceEnd("short", 0), 5);
  assert.equal(sliceEnd("word ".repeat(3), 5), 15);
});
