import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { streamKeeper, wholeAnswerKeeper } from "./answer-keeper.ts";

const NAMES = ["response.completed", "response.incomplete"];
const RESPONSE = JSON.stringify({ text: "event: response.completed\ndata: no" });
const LAST = `event: response.incomplete\ndata: ${RESPONSE}\n\n`;
const EARLIER = `event: response.created\ndata: {"a":1}\n\n: keep-alive\n`;

function kept(pieces: readonly Buffer[], maxBytes = 10_000): string[] {
  const found: string[] = [];
  const keeper = streamKeeper(NAMES, { maxBytes, keep: (one) => void found.push(one.toString()) });
  for (const piece of pieces) void keeper.data(piece);
  void keeper.end();
  return found;
}

test("the last event is found however the bytes of a stream are cut", () => {
  const bytes = Buffer.from(`${EARLIER}${LAST}: done\n`);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
      const ends = [...cuts, bytes.length].toSorted((a, b) => a - b);
      const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      assert.deepEqual(kept(pieces), [RESPONSE]);
    }),
  );
});

test("a stream without its end is not kept, nor one that is too large", () => {
  assert.deepEqual(kept([Buffer.from(EARLIER), Buffer.from(LAST.slice(0, -1))]), []);
  assert.deepEqual(kept([Buffer.from(EARLIER + LAST)], 40), []);
});

test("an answer that comes whole is kept as it is, unless it is too large", () => {
  const found: string[] = [];
  const keep = (one: Buffer) => void found.push(one.toString());
  for (const maxBytes of [8, 7]) {
    const keeper = wholeAnswerKeeper({ maxBytes, keep });
    for (const piece of ['{"a"', ":12}"]) void keeper.data(Buffer.from(piece));
    void keeper.end();
  }
  assert.deepEqual(found, ['{"a":12}']);
});
