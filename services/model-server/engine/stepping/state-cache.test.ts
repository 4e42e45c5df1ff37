import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonPrefix } from "./slot-choice.ts";
import { type KeptState, StateCache } from "./state-cache.ts";

const MAX_BYTES = 2000;

const tokens = fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 12 });
const kept: fc.Arbitrary<KeptState> = fc.record({
  owner: fc.constantFrom("a", "b"),
  tokens,
  state: fc.nat({ max: 800 }).map((size) => new Uint8Array(size)),
});

const stateOf = (said: string, size: number, owner = "a"): KeptState => ({
  owner,
  tokens: Array.from(said, (char) => char.charCodeAt(0)),
  state: new Uint8Array(size),
});

const saidIn = (cache: StateCache, wanted: string, owner = "a"): readonly string[] =>
  cache
    .candidates(owner, stateOf(wanted, 0).tokens)
    .map((found) => String.fromCharCode(...found.kept.tokens));

test("never holds more than it may, and finds the longest common beginning of the same owner first", () => {
  fc.assert(
    fc.property(fc.array(kept, { maxLength: 20 }), tokens, (all, wanted) => {
      const cache = new StateCache(MAX_BYTES);
      for (const one of all) {
        if (cache.wants(one.owner, one.tokens)) cache.keep(one);
        assert.ok(cache.bytes <= MAX_BYTES);
      }
      for (const owner of ["a", "b"]) {
        const found = cache.candidates(owner, wanted);
        for (const one of found) {
          assert.equal(one.kept.owner, owner);
          assert.equal(one.length, commonPrefix(one.kept.tokens, wanted));
        }
        const lengths = found.map(({ length }) => length);
        assert.deepEqual(
          lengths,
          lengths.toSorted((a, b) => b - a),
        );
      }
    }),
  );
});

test("what was used longest ago makes room", () => {
  const cache = new StateCache(300);
  const [one, two, three] = [stateOf("1", 100), stateOf("2", 100), stateOf("3", 100)];
  cache.keep(one);
  cache.keep(two);
  cache.used(one);
  cache.keep(three);
  assert.deepEqual(saidIn(cache, "1").toSorted(), ["1", "3"]);
});

test("a conversation that went on replaces its beginning, and what is held already is not wanted again", () => {
  const cache = new StateCache(1000);
  cache.keep(stateOf("he", 10));
  cache.keep(stateOf("he", 10, "b"));
  cache.keep(stateOf("hello", 10));
  assert.deepEqual(saidIn(cache, "hello"), ["hello"]);
  assert.deepEqual(saidIn(cache, "hello", "b"), ["he"]);
  assert.equal(cache.wants("a", stateOf("hell", 0).tokens), false);
  assert.equal(cache.wants("b", stateOf("hell", 0).tokens), true);
});

test("what would not fit is neither kept nor, once that is known, wanted", () => {
  const cache = new StateCache(1000);
  const large = stateOf("large", 5000);
  assert.equal(cache.wants("a", large.tokens), true);
  cache.keep(large);
  assert.equal(cache.bytes, 0);
  assert.equal(cache.wants("a", large.tokens), false);
  assert.equal(new StateCache(0).wants("a", [1]), false);
});
