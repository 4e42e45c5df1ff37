import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Failure } from "@localmodel/inference/failure.ts";
import { keepAliveSeconds } from "./keep-alive.ts";

for (const [value, seconds] of [
  ["5m", 300],
  ["1h30m", 5400],
  ["500ms", 0.5],
  ["90", 90],
  [0, 0],
  ["0", 0],
  [-1, -1],
  ["-1m", -1],
  [600, 600],
  [null, undefined],
] as const) {
  test(`keep_alive ${JSON.stringify(value)} is ${seconds} seconds`, () => {
    assert.equal(keepAliveSeconds("keep_alive", value), seconds);
  });
}

test("a ttl is a number of seconds and nothing else", () => {
  assert.equal(keepAliveSeconds("ttl", 60), 60);
  for (const odd of ["60", -1, {}, true]) {
    assert.throws(() => keepAliveSeconds("ttl", odd), /Invalid 'ttl'/);
  }
});

test("anything a client may write is seconds or a refusal that names the field", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      try {
        const seconds = keepAliveSeconds("keep_alive", value);
        assert.ok(seconds === undefined || seconds === -1 || (seconds >= 0 && seconds < 1e9));
      } catch (thrown) {
        assert.ok(thrown instanceof Failure, String(thrown));
      }
    }),
  );
});
