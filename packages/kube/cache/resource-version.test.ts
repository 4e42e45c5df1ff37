import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareVersions, isAtLeast } from "./resource-version.ts";

const version = fc.bigInt({ min: 1n, max: 2n ** 80n });

test("versions are in the order of their numbers, beyond what JavaScript counts exactly", () => {
  fc.assert(
    fc.property(version, version, (a, b) => {
      const order = Math.sign(compareVersions(String(a), String(b)) ?? Number.NaN);
      assert.equal(order, a < b ? -1 : a > b ? 1 : 0);
      assert.equal(isAtLeast(String(a), String(b)), a >= b);
    }),
  );
});

test("what is not a version is only as new as itself", () => {
  for (const odd of ["", "0", "01", "-1", "1.5", "abc"]) {
    assert.equal(compareVersions(odd, "5"), undefined);
    assert.equal(isAtLeast(odd, "5"), false);
    assert.equal(isAtLeast("5", odd), false);
    assert.ok(isAtLeast(odd, odd));
  }
});
