import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { sampleGguf } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { tensorBytes } from "./ggml-types.ts";
import { requireGguf } from "./gguf-check.ts";
import { WeightsError } from "../source/weights-error.ts";

const MODEL = sampleGguf();

async function reasonFor(folder: TemporaryFolder, bytes: Buffer): Promise<string> {
  const path = folder.file("model.gguf");
  await writeFile(path, bytes);
  try {
    await requireGguf(path, "model.gguf");
    return "fine";
  } catch (error) {
    if (error instanceof WeightsError) return error.reason;
    throw error;
  }
}

test("a complete file passes, with what its header says", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("model.gguf");
  await writeFile(path, MODEL);
  const { values, ...header } = await requireGguf(path, "model.gguf");
  assert.deepEqual(header, {
    version: 3,
    tensorCount: 1,
    requiredBytes: MODEL.length,
    meaningfulBytes: MODEL.length,
    parameters: 8 * 1024,
    projections: new Map(),
  });
  assert.deepEqual(Object.fromEntries(values), {
    "general.architecture": "llama",
    "tokenizer.ggml.tokens": { length: 4 },
  });
});

test("a file cut at any byte is never taken for a whole one", async () => {
  await using folder = await TemporaryFolder.create();
  const cuts = fc.integer({ min: 0, max: MODEL.length - 1 });
  const property = fc.asyncProperty(cuts, async (length) => {
    const reason = await reasonFor(folder, MODEL.subarray(0, length));
    assert.equal(reason, length < 4 ? "NotAGguf" : "Truncated");
  });
  await fc.assert(property, { numRuns: 100, examples: [[0], [3], [4], [MODEL.length - 1]] });
});

test("whatever bytes a header has, reading it ends, in a verdict", async () => {
  await using folder = await TemporaryFolder.create();
  const header = MODEL.subarray(0, 300);
  const changes = fc.array(
    fc.tuple(fc.integer({ min: 4, max: header.length - 1 }), fc.integer({ min: 0, max: 255 })),
    { minLength: 1, maxLength: 8 },
  );
  const property = fc.asyncProperty(changes, async (list) => {
    const bytes = Buffer.from(MODEL);
    for (const [at, value] of list) bytes[at] = value;
    const reason = await reasonFor(folder, bytes);
    assert.ok(["fine", "NotAGguf", "Truncated", "InvalidSource"].includes(reason));
  });
  await fc.assert(property, { numRuns: 200 });
});

test("versions this machine cannot read are named", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("model.gguf");
  for (const [version, message] of [
    [1, /version is 1; supported are 2 and 3/],
    [4, /version is 4/],
    [0x03000000, /big-endian/],
  ] as const) {
    const bytes = Buffer.from(MODEL);
    bytes.writeUInt32LE(version, 4);
    await writeFile(path, bytes);
    await assert.rejects(requireGguf(path, "model.gguf"), { reason: "NotAGguf", message });
  }
});

test("counts no model has are refused before anything is allocated for them", async () => {
  await using folder = await TemporaryFolder.create();
  for (const at of [8, 16]) {
    const bytes = Buffer.from(MODEL);
    bytes.writeBigUInt64LE(2n ** 60n, at);
    assert.equal(await reasonFor(folder, bytes), "NotAGguf");
  }
});

test("quantized tensors are measured in whole blocks, unknown types by what they can be", () => {
  assert.deepEqual(tensorBytes(3, 1024n), { least: 640n, most: 640n }); // Q4_1: 20 bytes per 32 elements
  assert.deepEqual(tensorBytes(14, 512n), { least: 420n, most: 420n }); // Q6_K: 210 bytes per 256 elements
  assert.deepEqual(tensorBytes(9999, 1024n), { least: 0n, most: 8192n });
});
