import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LINES } from "./whole-lines.ts";
import { WholeParts } from "./whole-parts.ts";

test("however lines are cut, what is sent ends with a line and nothing is lost or changed", () => {
  const parts = fc.array(fc.constantFrom('{"a":1}', '{"b":"ü \\n"}', "\n", " ", "  "));
  fc.assert(
    fc.property(parts, fc.array(fc.nat(5)), (texts, sizes) => {
      const bytes = Buffer.from(texts.join(""));
      const lines = new WholeParts(LINES);
      const sent: Buffer[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = 1 + (sizes[turn] ?? 7);
        sent.push(lines.push(bytes.subarray(at, at + size)));
        at += size;
        assert.match(Buffer.concat(sent).toString(), /(?:^|\n) *$/);
        assert.equal(lines.isInside, false);
      }
      assert.equal(Buffer.concat([...sent, lines.rest()]).toString(), bytes.toString());
    }),
  );
});

test("a space between lines is passed on at once, and one inside a line with it", () => {
  const lines = new WholeParts(LINES);
  const push = (text: string) => lines.push(Buffer.from(text)).toString();
  assert.equal(push(" "), " ");
  assert.equal(push(' {"a":'), " ");
  assert.equal(push(" "), "");
  assert.equal(push("1}\n "), '{"a": 1}\n ');
});

test("a line too large to be held is passed on in pieces, and said to be", () => {
  const lines = new WholeParts(LINES);
  assert.equal(lines.push(Buffer.alloc(2 * 1024 * 1024, "x")).length, 2 * 1024 * 1024);
  assert.equal(lines.isInside, true);
  lines.push(Buffer.from("\n"));
  assert.equal(lines.isInside, false);
});
