import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BrokenLineError, linesOf } from "./json-lines.ts";

async function* chunksOf(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = at.toSorted((a, b) => a - b);
  for (const [index, end] of sorted.entries()) yield bytes.subarray(sorted[index - 1] ?? 0, end);
}

test("wherever bytes are cut, the lines are the same", async () => {
  const lines = fc.array(fc.string({ unit: "binary" }).map((line) => line.replaceAll("\n", "")));
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.nat(), { maxLength: 20 }), async (expected, cuts) => {
      const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(""));
      const wanted = bytes.toString("utf8").split("\n").slice(0, -1);
      assert.deepEqual(await Array.fromAsync(linesOf(chunksOf(bytes, cuts))), wanted);
    }),
  );
});

test("half a line at the end is an error, after the whole ones", async () => {
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of linesOf(chunksOf(Buffer.from('{"a":1}\n{"b"'), [3]))) seen.push(line);
  };
  await assert.rejects(read(), BrokenLineError);
  assert.deepEqual(seen, ['{"a":1}']);
});

test("a line has a bound, with an end in sight or without", async () => {
  for (const text of ["x".repeat(101), `${"x".repeat(101)}\n`]) {
    const lines = linesOf(chunksOf(Buffer.from(text), [50]), 100);
    await assert.rejects(Array.fromAsync(lines), /longer than 100 B/);
  }
});
