import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultContextTokens } from "./default-context.ts";

const GIB = 2 ** 30;
/** 2 × 8 layers × 2 heads × 64 elements: 4 KiB a token with f16. */
const METADATA = {
  general: { architecture: "llama" },
  llama: { block_count: 8, embedding_length: 512, attention: { head_count: 8, head_count_kv: 2 } },
};
const SIZE = { slots: 4, kvCacheType: "f16" } as const;

test("a slot gets what the model was trained for where memory is plentiful", () => {
  assert.equal(defaultContextTokens(METADATA, 8192, SIZE, 8 * GIB), 8192);
  assert.equal(defaultContextTokens(METADATA, 131_072, SIZE, 8 * GIB), 131_072);
});

test("half of what is free goes to the contexts of all slots", () => {
  assert.equal(defaultContextTokens(METADATA, 131_072, SIZE, 2 * GIB), 65_536);
  assert.equal(defaultContextTokens(METADATA, 131_072, { ...SIZE, slots: 1 }, 0.5 * GIB), 65_536);
});

test("it is never less than 4096, nor more than what the model was trained for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 1 << 20 }), fc.maxSafeNat(), (trained, freeBytes) => {
      const tokens = defaultContextTokens(METADATA, trained, SIZE, freeBytes);
      assert.ok(tokens >= Math.min(4096, trained) && tokens <= trained);
    }),
  );
});

test("a file that does not say how large its caches are gets 4096", () => {
  assert.equal(defaultContextTokens({ general: { architecture: "x" } }, 8192, SIZE, GIB), 4096);
});
