import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncodedRows } from "../prompt/picture-rows.ts";
import { EncodedPictures } from "./encoded-pictures.ts";

const FLOATS = 100;
const BYTES = 4 * FLOATS;
const NOBODY = new AbortController().signal;

function rows(): readonly EncodedRows[] {
  return [{ vectors: new Float32Array(FLOATS), places: new Int32Array() }];
}

/** Room for so many pictures, and the names of those that were looked at. */
function places(count: number) {
  const pictures = new EncodedPictures(count * BYTES);
  const encoded: string[] = [];
  const wanted = (sha256: string) => ({
    sha256,
    bytes: BYTES,
    encode: async () => {
      encoded.push(sha256);
      return rows();
    },
  });
  const hold = (...names: readonly string[]) => pictures.hold(names.map(wanted), NOBODY);
  const look = async (...names: readonly string[]) => (await hold(...names))[Symbol.dispose]();
  return { pictures, encoded, hold, look };
}

test("a picture is encoded once for all who ask for it, and the one used longest ago is forgotten first", async () => {
  const { pictures, encoded, hold, look } = places(2);
  const [one, same] = await Promise.all([hold("a"), hold("a")]);
  assert.equal(one.rows[0], same.rows[0]);
  one[Symbol.dispose]();
  same[Symbol.dispose]();
  await look("b");
  await look("a");
  await look("c");
  assert.deepEqual(encoded, ["a", "b", "c"]);
  assert.equal(pictures.bytes, 2 * BYTES);
  await look("a");
  await look("b");
  assert.deepEqual(encoded, ["a", "b", "c", "b"]);
});

test("one that is shown twice is encoded and held once", async () => {
  const { pictures, encoded, hold } = places(2);
  const held = await hold("a", "b", "a");
  assert.deepEqual(encoded, ["a", "b"]);
  assert.equal(held.rows[0], held.rows[2]);
  assert.equal(pictures.bytes, 2 * BYTES);
});

test("who finds no room waits for those who hold it, and takes what is only remembered", async () => {
  const { pictures, encoded, hold, look } = places(2);
  await look("x");
  const one = await hold("a");
  const other = hold("b", "c");
  assert.deepEqual(encoded, ["x", "a"]);
  one[Symbol.dispose]();
  assert.equal((await other).rows.length, 2);
  assert.deepEqual(encoded, ["x", "a", "b", "c"]);
  assert.equal(pictures.bytes, 2 * BYTES);
});

test("a picture that one has left is encoded for the others, and one that all have left is not wanted", async () => {
  const pictures = new EncodedPictures(3 * BYTES);
  const signals: AbortSignal[] = [];
  const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const encode = async (unwanted: AbortSignal) => {
    const turn = signals.push(unwanted) - 1;
    await turns[turn]?.promise;
    unwanted.throwIfAborted();
    return rows();
  };
  const ask = (signal: AbortSignal) =>
    pictures.hold([{ sha256: "a", bytes: BYTES, encode }], signal);
  const [leaves, stays] = [new AbortController(), new AbortController()];
  const left = ask(leaves.signal);
  const waiting = ask(stays.signal);
  // Both have their room when who asks after them does.
  while (signals.length === 0) await Promise.resolve();
  leaves.abort(new Error("left"));
  await assert.rejects(left, /left/);
  assert.equal(signals[0]?.aborted, false);
  stays.abort(new Error("left as well"));
  await assert.rejects(waiting, /left as well/);
  assert.equal(signals[0]?.aborted, true);
  assert.equal(pictures.bytes, 0);
  const again = ask(NOBODY);
  turns[0]?.resolve();
  turns[1]?.resolve();
  assert.equal((await again).rows.length, 1);
  assert.equal(signals.length, 2);
});

test("a failure is told to all who wait and leaves no room taken, and the next one tries again", async () => {
  const { pictures, look } = places(2);
  const failing = { sha256: "a", bytes: BYTES, encode: () => Promise.reject(new Error("no")) };
  const fail = () => pictures.hold([failing], NOBODY);
  await Promise.all([assert.rejects(fail(), /no/), assert.rejects(fail(), /no/)]);
  assert.equal(pictures.bytes, 0);
  await look("a");
  assert.equal(pictures.bytes, BYTES);
});
