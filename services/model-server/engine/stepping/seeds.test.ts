import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { choiceSeed } from "./seeds.ts";

/** llama.cpp takes this one to mean "any seed will do". */
const ANY_SEED = 0xffffffff;

const choices = fc.integer({ min: 0, max: 127 });
const anySeed = fc.oneof(
  fc.integer({ min: 0, max: ANY_SEED }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map(Number),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function isEngineSeed(seed: number): boolean {
  return Number.isInteger(seed) && seed >= 0 && seed < ANY_SEED;
}

test("makes a seed the engine takes literally of any number JSON can hold", () => {
  fc.assert(
    fc.property(anySeed, choices, (requested, choice) => {
      const seed = choiceSeed(requested, choice);
      assert.ok(isEngineSeed(seed), String(seed));
      assert.equal(choiceSeed(requested, choice), seed);
    }),
    {
      examples: [
        [ANY_SEED, 0],
        [-1, 0],
        [-0, 0],
        [0.5, 0],
        [2 ** 63, 1],
        [-(2 ** 63), 1],
        [1e300, 0],
      ],
    },
  );
});

test("leaves a 32-bit seed what it is for the first choice", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: ANY_SEED - 1 }), (seed) => {
      assert.equal(choiceSeed(seed, 0), seed);
    }),
    { examples: [[0], [ANY_SEED - 1]] },
  );
});

test("gives the choices of one request seeds of their own", () => {
  fc.assert(
    fc.property(anySeed, (requested) => {
      const seeds = Array.from({ length: 128 }, (_, choice) => choiceSeed(requested, choice));
      assert.equal(new Set(seeds).size, seeds.length);
    }),
    { examples: [[0], [ANY_SEED], [-1]] },
  );
});

test("does not give neighbouring seeds the same further choices", () => {
  const seeds = Array.from({ length: 64 }, (_, requested) =>
    Array.from({ length: 16 }, (_unused, choice) => choiceSeed(requested, choice)),
  ).flat();
  assert.equal(new Set(seeds).size, seeds.length);
});

test("tells large seeds apart that differ above their lowest 32 bits only", () => {
  const seeds = [1, 1 + 2 ** 32, 1 + 2 ** 40, 1 + 2 ** 52, 1 - 2 ** 32];
  assert.equal(new Set(seeds.map((seed) => choiceSeed(seed, 0))).size, seeds.length);
});

test("without a seed, no two choices are twins, of one request or of many", () => {
  const seeds = Array.from({ length: 100 }, (_, index) => choiceSeed(undefined, index % 2));
  assert.ok(seeds.every(isEngineSeed));
  // A hundred random ones of four billion hardly ever collide; seeds from the clock always do.
  assert.ok(new Set(seeds).size >= 99);
});
