import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { EVENTS } from "./whole-events.ts";
import { WholeParts } from "./whole-parts.ts";

/** Bytes cut into pieces at arbitrary places. */
const pieces = fc
  .tuple(
    fc.array(fc.constantFrom("data: a", "data: ü", ": comment", "\n", "\n\n", "\r\n\r\n", "")),
    fc.infiniteStream(fc.nat(5)),
  )
  .map(([parts, sizes]) => {
    const bytes = Buffer.from(parts.join(""));
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = 1 + (sizes.next().value ?? 0);
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return { bytes, chunks };
  });

test("however a stream is cut, what is sent ends with an event and nothing is lost or changed", () => {
  fc.assert(
    fc.property(pieces, ({ bytes, chunks }) => {
      const events = new WholeParts(EVENTS);
      const sent: Buffer[] = [];
      for (const chunk of chunks) {
        sent.push(events.push(chunk));
        const text = Buffer.concat(sent).toString();
        assert.ok(/^$|^\r?\n$|\n\r?\n$|(^|\n):[^\n]*\n$/.test(text), JSON.stringify(text));
        assert.equal(events.isInside, false);
      }
      assert.deepEqual(Buffer.concat([...sent, events.rest()]), bytes);
    }),
  );
});

test("a comment between events is passed on at once, and one inside an event with it", () => {
  const events = new WholeParts(EVENTS);
  const push = (text: string) => events.push(Buffer.from(text)).toString();
  assert.equal(push(": keep-alive\n"), ": keep-alive\n");
  assert.equal(push("data: a\n\n: keep-"), "data: a\n\n");
  assert.equal(push("alive\n: again\r\ndata: b\n"), ": keep-alive\n: again\r\n");
  assert.equal(push(": inside\n"), "");
  assert.equal(push("\n"), "data: b\n: inside\n\n");
});

test("a whole event is passed on without being copied", () => {
  const chunk = Buffer.from("data: a\n\n");
  assert.equal(new WholeParts(EVENTS).push(chunk).buffer, chunk.buffer);
});

test("an event too large to be held is passed on in pieces, and said to be", () => {
  const events = new WholeParts(EVENTS);
  const large = Buffer.alloc(2 * 1024 * 1024, "x");
  assert.equal(events.push(large).length, large.length);
  assert.equal(events.isInside, true);
  events.push(Buffer.from("\n\n"));
  assert.equal(events.isInside, false);
});
