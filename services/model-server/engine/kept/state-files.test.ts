import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { decodeHead, encodeHead, filesToRemove } from "./state-file.ts";
import { StateFiles } from "./state-files.ts";

const MEBIBYTE = 2 ** 20;
const tokensFrom = (first: number, count = 200): readonly number[] =>
  Array.from({ length: count }, (_, index) => first + index);
const stateOf = (byte: number, bytes = 1000): Uint8Array => new Uint8Array(bytes).fill(byte);

async function opened(folder: string, more: { maxBytes?: number; fingerprint?: string } = {}) {
  const warnings: string[] = [];
  const warn = (message: string): unknown => warnings.push(message);
  const options = { folder, maxBytes: MEBIBYTE, fingerprint: "fp_a", warn, ...more };
  return { files: await StateFiles.open(options), warnings };
}

async function stateIn(files: StateFiles, owner: string, wanted: readonly number[]) {
  const [found] = files.candidates(owner, wanted);
  return found && { length: found.length, byte: (await found.read())[0] };
}

test("what was saved is found again by whoever opens the folder next, and by nobody else", async () => {
  await using folder = await TemporaryFolder.create();
  const { files } = await opened(folder.path);
  const tokens = tokensFrom(1);
  await files.save({ owner: "alice", tokens, state: stateOf(7) });
  assert.equal(files.wants("alice", tokens), false);

  const { files: again } = await opened(folder.path);
  const wanted = [...tokens.slice(0, 150), 9, 9];
  assert.deepEqual(await stateIn(again, "alice", wanted), { length: 150, byte: 7 });
  assert.equal(await stateIn(again, "bob", wanted), undefined);
  assert.equal(again.wants("bob", tokens), true);
  const { files: other } = await opened(folder.path, { fingerprint: "fp_b" });
  assert.equal(await stateIn(other, "alice", wanted), undefined);
});

test("a conversation that went on takes the place of its own beginning", async () => {
  await using folder = await TemporaryFolder.create();
  const { files } = await opened(folder.path);
  await files.save({ owner: "", tokens: tokensFrom(1, 150), state: stateOf(1) });
  await files.save({ owner: "", tokens: tokensFrom(1, 300), state: stateOf(2) });
  assert.equal((await readdir(folder.path)).length, 1);
  assert.deepEqual(await stateIn(files, "", tokensFrom(1, 300)), { length: 300, byte: 2 });
});

test("files that are torn, changed or gone are passed over and removed", async () => {
  await using folder = await TemporaryFolder.create();
  for (const spoil of [
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 1),
    (bytes: Buffer) => bytes.subarray(0, 40),
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -5), Buffer.from([1, 2, 3, 4, 5])]),
    () => Buffer.alloc(0),
  ]) {
    const { files } = await opened(folder.path);
    await files.save({ owner: "", tokens: tokensFrom(1), state: stateOf(3) });
    const [name = ""] = await readdir(folder.path);
    const file = path.join(folder.path, name);
    await writeFile(file, spoil(await readFile(file)));
    // Both who has listed it, and who lists it now.
    for (const one of [files, (await opened(folder.path)).files]) {
      for (const found of one.candidates("", tokensFrom(1))) await assert.rejects(found.read());
      assert.deepEqual(one.candidates("", tokensFrom(1)), []);
    }
  }
});

test("all files together take no more than they may: what was used longest ago goes first", async () => {
  await using folder = await TemporaryFolder.create();
  const maxBytes = 10_000;
  const { files } = await opened(folder.path, { maxBytes });
  for (let one = 1; one <= 6; one += 1) {
    const tokens = tokensFrom(1000 * one);
    await files.save({ owner: "", tokens, state: stateOf(one, 2000) });
    const names = await readdir(folder.path);
    const sizes = await Promise.all(names.map(async (name) => stat(path.join(folder.path, name))));
    assert.ok(sizes.reduce((sum, { size }) => sum + size, 0) <= maxBytes);
  }
  assert.deepEqual(await stateIn(files, "", tokensFrom(6000)), { length: 200, byte: 6 });
  await files.save({ owner: "", tokens: tokensFrom(1), state: stateOf(1, maxBytes) });
  assert.equal(files.candidates("", tokensFrom(1)).length, 0);
});

test("a folder that cannot be written costs a warning and nothing else", async () => {
  await using folder = await TemporaryFolder.create();
  const blocked = folder.file("a-file");
  await writeFile(blocked, "");
  const { files, warnings } = await opened(path.join(blocked, "below"));
  await files.save({ owner: "", tokens: tokensFrom(1), state: stateOf(1) });
  assert.equal(warnings.length, 1);
  assert.deepEqual(files.candidates("", tokensFrom(1)), []);
});

test("what did not fit, or could not be written, is not wanted again until it has gone on", async () => {
  await using folder = await TemporaryFolder.create();
  const full = folder.file("full");
  await writeFile(full, "a file where a folder should be");
  const { files: small } = await opened(folder.file("small"), { maxBytes: 500 });
  const { files: broken } = await opened(full);
  for (const files of [small, broken]) {
    assert.equal(files.wants("alice", tokensFrom(1)), true);
    await files.save({ owner: "alice", tokens: tokensFrom(1), state: stateOf(1) });
    assert.equal(files.wants("alice", tokensFrom(1)), false);
    assert.equal(files.wants("bob", tokensFrom(1)), true);
    assert.equal(files.wants("alice", tokensFrom(1, 201)), true);
  }
});

test("others' files in the folder stay as they are, and nobody else may read what is kept", async () => {
  await using folder = await TemporaryFolder.create();
  const below = folder.file("prompts");
  await mkdir(below);
  await writeFile(path.join(below, "notes.txt"), "mine");
  const { files } = await opened(below, { maxBytes: 10_000 });
  await files.save({ owner: "", tokens: tokensFrom(1), state: stateOf(1) });
  assert.equal(await readFile(path.join(below, "notes.txt"), "utf8"), "mine");
  const [name = ""] = (await readdir(below)).filter((one) => one.endsWith(".state"));
  assert.equal((await stat(path.join(below, name))).mode & 0o077, 0);
});

test("a head is read as it was written, and any other beginning as none", () => {
  const head = fc.record(
    {
      fingerprint: fc.string(),
      owner: fc.string(),
      tokens: fc.array(fc.maxSafeInteger()),
      stateBytes: fc.nat(),
      stateCrc32: fc.nat(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(head, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
      const bytes = encodeHead(one);
      assert.deepEqual(decodeHead(readerOf(bytes)), one);
      assert.equal(decodeHead(readerOf(bytes.subarray(0, at % bytes.length))), undefined);
      const position = at % bytes.length;
      bytes[position] = (bytes[position] ?? 0) ^ flip;
      assert.equal(decodeHead(readerOf(bytes)), undefined);
    }),
  );
});

test("what is removed makes room, and is what was used longest ago", () => {
  const file = fc.record({ name: fc.uuid(), bytes: fc.nat({ max: 100 }), usedMs: fc.nat() });
  fc.assert(
    fc.property(
      fc.array(file),
      fc.nat({ max: 300 }),
      fc.nat({ max: 50 }),
      (files, maxBytes, moreBytes) => {
        const removed = filesToRemove(files, { moreBytes, maxBytes });
        const left = files.filter(({ name }) => !removed.includes(name));
        const bytes = left.reduce((sum, one) => sum + one.bytes, moreBytes);
        assert.ok(bytes <= maxBytes || left.length === 0);
        const newest = Math.max(
          ...files.filter(({ name }) => removed.includes(name)).map((one) => one.usedMs),
        );
        for (const { usedMs } of left) assert.ok(usedMs >= newest);
      },
    ),
  );
});

function readerOf(bytes: Buffer): (count: number) => Buffer {
  let at = 0;
  return (count) => bytes.subarray(at, (at += count));
}
