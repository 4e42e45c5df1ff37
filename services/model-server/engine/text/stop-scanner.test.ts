import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Scan, StopScanner } from "./stop-scanner.ts";

/** A small alphabet makes stop strings that overlap, contain one another and nearly occur. */
const smallText = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom("a", "b", "c", "é", "🙂"), maxLength });
const stops = fc.array(smallText(5), { maxLength: 4 });
const pieces = fc.array(smallText(6), { maxLength: 12 });

/** What the scanner should do, said of the whole text: the stop that is complete first, then the longer. */
function wholeTextMatch(text: string, candidates: readonly string[]): Scan {
  const longestFirst = candidates
    .filter((stop) => stop !== "")
    .toSorted((a, b) => b.length - a.length);
  for (let end = 1; end <= text.length; end++) {
    const stop = longestFirst.find((candidate) => text.slice(0, end).endsWith(candidate));
    if (stop !== undefined) return { released: text.slice(0, end - stop.length), stop };
  }
  return { released: text };
}

function scanPieces(scanner: StopScanner, texts: readonly string[]): Scan {
  let released = "";
  for (const piece of texts) {
    const scan = scanner.push(piece);
    released += scan.released;
    if (scan.stop !== undefined) return { released, stop: scan.stop };
  }
  return { released: released + scanner.finish() };
}

test("finds the same stop string at the same place however the text is cut", () => {
  fc.assert(
    fc.property(stops, pieces, (candidates, texts) => {
      const scan = scanPieces(new StopScanner(candidates), texts);
      assert.deepEqual(scan, wholeTextMatch(texts.join(""), candidates));
    }),
    { numRuns: 2000 },
  );
});

test("holds back less than the longest stop string, and only what could still become one", () => {
  fc.assert(
    fc.property(stops, pieces, (candidates, texts) => {
      const scanner = new StopScanner(candidates);
      let pushed = "";
      let released = "";
      for (const piece of texts) {
        const scan = scanner.push(piece);
        if (scan.stop !== undefined) return;
        pushed += piece;
        released += scan.released;
        const held = pushed.slice(released.length);
        assert.equal(released + held, pushed);
        assert.ok(
          held === "" ||
            candidates.some((stop) => stop.length > held.length && stop.startsWith(held)),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test("never releases a character that a stop string turns out to contain", () => {
  fc.assert(
    fc.property(smallText(8), smallText(6), pieces, (before, stop, cuts) => {
      fc.pre(stop !== "" && !(before + stop).slice(0, -1).includes(stop));
      const scanner = new StopScanner([stop]);
      const texts = [...Array.from(before + stop), ...cuts];
      assert.equal(scanPieces(scanner, texts).released, before);
    }),
  );
});

test("without stop strings, or with empty ones, everything passes at once", () => {
  for (const none of [[], [""], ["", ""]]) {
    const scanner = new StopScanner(none);
    assert.deepEqual(scanner.push("text"), { released: "text" });
    assert.equal(scanner.finish(), "");
  }
});

test("of two stop strings that end at the same character, the longer one wins", () => {
  assert.deepEqual(new StopScanner(["END", "THE END"]).push("This is THE END"), {
    released: "This is ",
    stop: "THE END",
  });
});

test("of two stop strings, the one complete first wins, even inside the other", () => {
  assert.deepEqual(new StopScanner(["abcd", "bc"]).push("abcd"), { released: "a", stop: "bc" });
});

test("gives back what it held when the text ends, once", () => {
  const scanner = new StopScanner(["###"]);
  assert.deepEqual(scanner.push("a##"), { released: "a" });
  assert.equal(scanner.finish(), "##");
  assert.equal(scanner.finish(), "");
});
