/** What all models may take together: of the machine's memory, and of its GPUs'. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultBudgetBytes, deviceBudgetBytes, parseMemorySize } from "./memory-budget.ts";

const GIB = 2 ** 30;

function gpu(memoryBytes: number, sharesMemory = false) {
  return { name: "GPU", memoryBytes, sharesMemory };
}

for (const [text, bytes] of [
  ["8GiB", 8 * GIB],
  ["7.5 gib", 7.5 * GIB],
  ["8Gi", 8 * GIB],
  ["500MB", 500e6],
  ["1k", 1000],
  ["8", undefined],
  ["0GB", undefined],
  ["-1GB", undefined],
  ["8 gigabytes", undefined],
  ["9999999999TB", undefined],
] as const) {
  test(`"${text}" is ${bytes === undefined ? "no size" : `${bytes} bytes`}`, () => {
    assert.equal(parseMemorySize(text), bytes);
  });
}

test("three quarters of what a container may use are for models, of the machine's where there is no limit", () => {
  assert.equal(defaultBudgetBytes(16 * GIB, 4 * GIB), 3 * GIB);
  for (const noLimit of [0, 16 * GIB, 2 ** 63]) {
    assert.equal(defaultBudgetBytes(16 * GIB, noLimit), 12 * GIB);
  }
});

test("of GPUs models may have what drivers leave of all together, and nothing of the machine's memory twice", () => {
  const one = deviceBudgetBytes([gpu(24 * GIB)]);
  assert.ok(one > 22 * GIB && one < 24 * GIB);
  assert.equal(deviceBudgetBytes([gpu(24 * GIB), gpu(24 * GIB)]), 2 * one);
  assert.equal(deviceBudgetBytes([gpu(24 * GIB), gpu(48 * GIB, true)]), one);
  assert.equal(deviceBudgetBytes([gpu(16 * GIB, true)]), 0);
  assert.equal(deviceBudgetBytes([gpu(0.1 * GIB)]), 0);
  assert.equal(deviceBudgetBytes([]), 0);
});
