import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { fingerprintOf, samplingOf } from "./facts.ts";

test("metadata without anything of sampling is no reason to fail", () => {
  for (const metadata of [{}, { general: null }, { general: "text" }]) {
    assert.deepEqual(samplingOf(metadata), {});
  }
});

test("a file's own sampling defaults are taken over", () => {
  const sampling = {
    temp: 0.5,
    top_p: 0.75,
    top_k: 20,
    min_p: 0.25,
    penalty_repeat: 1.5,
    other: 1,
  };
  assert.deepEqual(samplingOf({ general: { sampling } }), {
    temperature: 0.5,
    topP: 0.75,
    topK: 20,
    minP: 0.25,
    repeatPenalty: 1.5,
  });
});

test("sampling defaults that make no sense are left out, one by one", () => {
  const sampling = { temp: -1, top_p: "much", top_k: 20, min_p: Number.NaN, penalty_repeat: null };
  assert.deepEqual(samplingOf({ general: { sampling } }), { topK: 20 });
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("temp", "top_p", "top_k", "min_p"), fc.anything()),
      (odd) => {
        samplingOf({ general: { sampling: odd } });
      },
    ),
  );
});

test("a fingerprint stays the same for the same file and settings, and changes with either", async () => {
  await using folder = await TemporaryFolder.create();
  const bytes = Buffer.alloc(1_000_000, 1);
  const paths = { one: folder.file("one"), copy: folder.file("copy"), other: folder.file("other") };
  await writeFile(paths.one, bytes);
  await writeFile(paths.copy, bytes);
  // As much as a fine-tuned tensor would differ.
  await writeFile(paths.other, bytes.fill(2, 400_000, 500_000));
  const one = await fingerprintOf(paths.one, { slots: 4 });
  assert.match(one, /^fp_[0-9a-f]{16}$/u);
  assert.equal(await fingerprintOf(paths.copy, { slots: 4 }), one);
  assert.notEqual(await fingerprintOf(paths.other, { slots: 4 }), one);
  assert.notEqual(await fingerprintOf(paths.one, { slots: 5 }), one);
  await truncate(paths.copy, 999_999);
  assert.notEqual(await fingerprintOf(paths.copy, { slots: 4 }), one);
});

test("files smaller than a sample have fingerprints too", async () => {
  await using folder = await TemporaryFolder.create();
  const prints = new Set<string>();
  for (const text of ["", "a", "b", "ab"]) {
    const path = folder.file(`small-${text}`);
    await writeFile(path, text);
    prints.add(await fingerprintOf(path, {}));
  }
  assert.equal(prints.size, 4);
});
