import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { fromBase64, readDataUrl } from "./data-url.ts";

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

test("what was written in base64 is read again: both alphabets, with padding or not, with breaks or not", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom("base64" as const, "base64url" as const),
      fc.constantFrom("", "\r\n", " "),
      fc.integer({ min: 1, max: 12 }),
      (bytes, alphabet, gap, width) => {
        const text = Buffer.from(bytes).toString(alphabet);
        const broken = text.replaceAll(new RegExp(`.{${width}}`, "g"), (line) => line + gap);
        assert.equal(hex(fromBase64(broken)), hex(bytes));
      },
    ),
    { numRuns: 1000 },
  );
});

test("one character that belongs to no alphabet is enough to refuse all of it", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.constantFrom("!", "%", "é", "\0", ".", "=", "😀"),
      fc.nat(),
      (bytes, wrong, where) => {
        const text = Buffer.from(bytes).toString("base64").replaceAll("=", "");
        // At the end "=" is no wrong character.
        const at = where % Math.max(1, text.length - 2);
        assert.equal(fromBase64(text.slice(0, at) + wrong + text.slice(at)), undefined);
        assert.equal(fromBase64(text.slice(0, at) + wrong + text.slice(at + 1)), undefined);
      },
    ),
    { numRuns: 1000 },
  );
});

test("a data URL says what it holds, whatever its case and parameters", () => {
  for (const head of ["data:image/png;base64,", "DATA:Image/PNG;charset=x;BASE64,"]) {
    const read = readDataUrl(`${head}aGk=`);
    assert.ok(read.type === "file");
    assert.equal(read.mediaType, "image/png");
    assert.equal(hex(read.bytes), "6869");
  }
});

test("what is no data URL in base64 is told so", () => {
  for (const url of [
    "data:image/png,abc",
    "data:;base6",
    `data:image/png${" ".repeat(9000)};base64,`,
  ]) {
    const read = readDataUrl(url);
    assert.ok(read.type === "wrong");
    assert.match(read.message, /does not begin with/);
  }
  assert.deepEqual(readDataUrl("data:image/png;base64,a!=="), {
    type: "wrong",
    message: "its data is not valid base64",
  });
});
