import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { sha256Of } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { encodeZip } from "../../../test/support/zip.ts";
import { extractMember, ZipError } from "./unzip.ts";

const BODY = Buffer.from("Weights, weights and again weights. ".repeat(20));

async function extracted(folder: TemporaryFolder, archive: Buffer): Promise<string> {
  await writeFile(folder.file("archive"), archive);
  return extractMember({
    archivePath: folder.file("archive"),
    memberName: "b",
    targetPath: folder.file("member"),
    signal: new AbortController().signal,
    onMember: () => Promise.resolve(),
    onBytes: () => {},
  });
}

test("an archive with any damage yields the member unharmed, or a ZipError", async () => {
  await using folder = await TemporaryFolder.create();
  const kinds = [{}, { stored: true }, { zip64: true }, { comment: "a comment" }];
  const archives = kinds.map((options) => encodeZip({ a: Buffer.from("a"), b: BODY }, options));
  const damage = fc.record({
    archive: fc.constantFrom(...archives),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.integer({ min: 0, max: 255 }),
    cutOff: fc.boolean(),
  });
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(damage, async ({ archive, at, byte, cutOff }) => {
      const position = Math.floor(at * archive.length);
      const damaged = Buffer.from(cutOff ? archive.subarray(0, position) : archive);
      if (!cutOff) damaged[position] = byte;
      try {
        assert.equal(await extracted(folder, damaged), sha256Of(BODY));
        assert.deepEqual(await readFile(folder.file("member")), BODY);
        outcomes.add("unharmed");
      } catch (error) {
        assert.ok(error instanceof ZipError, String(error));
        outcomes.add("ZipError");
      }
    }),
    { numRuns: 400 },
  );
  assert.deepEqual([...outcomes].toSorted(), ["ZipError", "unharmed"]);
});

test("a member that grows beyond what the directory states is stopped there", async () => {
  await using folder = await TemporaryFolder.create();
  const honest = encodeZip({ b: Buffer.alloc(50_000_000) });
  const lie = Buffer.from(honest);
  lie.writeUInt32LE(1000, lie.indexOf(Buffer.from("PK\u0001\u0002", "latin1")) + 24);
  await assert.rejects(extracted(folder, lie), { name: "ZipError", message: /too many bytes/ });
  assert.ok((await readFile(folder.file("member"))).length <= 1000);
});
