import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crashesInARow, MAX_DELAY_MS, restartDelayMs, STABLE_MS } from "./backoff.ts";

describe("the wait before a restart", () => {
  test("doubles with each crash in a row, up to a bound", () => {
    assert.deepEqual([1, 2, 3, 4].map(restartDelayMs), [500, 1000, 2000, 4000]);
    for (const crashes of [8, 100, 5000, Infinity])
      assert.equal(restartDelayMs(crashes), MAX_DELAY_MS);
  });
  test("starts anew once a server has served for a while", () => {
    assert.equal(crashesInARow(5, STABLE_MS - 1), 6);
    assert.equal(crashesInARow(5, STABLE_MS), 1);
    assert.equal(crashesInARow(0, 0), 1);
  });
});
