import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncodedRows } from "../prompt/picture-rows.ts";
import { EncodedPictures } from "./encoded-pictures.ts";

const FLOATS = 100;
const BYTES = 4 * FLOATS;

function rows(): readonly EncodedRows[] {
  return [{ vectors: new Float32Array(FLOATS), places: new Int32Array() }];
}

test("a picture is encoded once for all who ask for it, and the one used longest ago is forgotten first", async () => {
  const pictures = new EncodedPictures(2 * BYTES);
  let encoded: string[] = [];
  const ask = (name: string) =>
    pictures.of(name, async () => {
      encoded.push(name);
      return rows();
    });
  const [one, same] = await Promise.all([ask("a"), ask("a")]);
  assert.equal(one, same);
  await ask("b");
  await ask("a");
  await ask("c");
  assert.deepEqual(encoded, ["a", "b", "c"]);
  assert.equal(pictures.bytes, 2 * BYTES);
  encoded = [];
  await ask("a");
  await ask("b");
  assert.deepEqual(encoded, ["b"]);
});

test("a picture larger than all that is kept is encoded each time", async () => {
  const pictures = new EncodedPictures(BYTES - 1);
  let count = 0;
  const ask = () => pictures.of("a", async () => (count++, rows()));
  await ask();
  await ask();
  assert.equal(count, 2);
  assert.equal(pictures.bytes, 0);
});

test("a picture that one has left is encoded for the others, and one that all have left is not wanted", async () => {
  const pictures = new EncodedPictures(2 * BYTES);
  const signals: AbortSignal[] = [];
  const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ask = (signal?: AbortSignal) =>
    pictures.of(
      "a",
      async (unwanted) => {
        const turn = signals.push(unwanted) - 1;
        await turns[turn]?.promise;
        unwanted.throwIfAborted();
        return rows();
      },
      signal,
    );
  const [leaves, stays] = [new AbortController(), new AbortController()];
  const left = ask(leaves.signal);
  const waiting = ask(stays.signal);
  leaves.abort(new Error("left"));
  await assert.rejects(left, /left/);
  assert.equal(signals[0]?.aborted, false);
  stays.abort(new Error("left as well"));
  await assert.rejects(waiting, /left as well/);
  assert.equal(signals[0]?.aborted, true);
  const again = ask();
  turns[0]?.resolve();
  turns[1]?.resolve();
  assert.equal((await again).length, 1);
  assert.equal(signals.length, 2);
});

test("a failure is told to all who wait, and the next one tries again", async () => {
  const pictures = new EncodedPictures(2 * BYTES);
  const fail = () => pictures.of("a", () => Promise.reject(new Error("no")));
  await Promise.all([assert.rejects(fail(), /no/), assert.rejects(fail(), /no/)]);
  assert.equal((await pictures.of("a", async () => rows())).length, 1);
});
