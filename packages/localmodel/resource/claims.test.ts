import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Claimant, claims, sharesOf } from "./claims.ts";

function claimant(key: string, modelId: string, more: Partial<Claimant> = {}): Claimant {
  return { key, modelId, aliases: [], ...more };
}

test("claims leaves an id with the older model and tells the newer who holds it", () => {
  const newer = claimant("default/new", "llama", { createdMs: 2000 });
  const older = claimant("default/old", "llama", { createdMs: 1000 });
  assert.deepEqual(claims([newer, older]), [
    { key: "default/new", held: [], lost: [{ id: "llama", holder: "default/old" }] },
    { key: "default/old", held: ["llama"], lost: [] },
  ]);
});

test("claims decides by the order given where no age is known", () => {
  const [first, second] = claims([claimant("a/x", "m"), claimant("a/y", "m")]);
  assert.deepEqual([first?.held, second?.held], [["m"], []]);
});

test("claims takes a model that says no age for newer than all that do", () => {
  const [first, second] = claims([claimant("a", "m"), claimant("b", "m", { createdMs: 9 })]);
  assert.deepEqual([first?.held, second?.held], [[], ["m"]]);
});

test("claims treats an alias like an id, and leaves a model its other ids", () => {
  const [, second] = claims([
    claimant("a", "llama", { aliases: ["default"] }),
    claimant("b", "default", { aliases: ["qwen"] }),
  ]);
  assert.deepEqual(second, { key: "b", held: ["qwen"], lost: [{ id: "default", holder: "a" }] });
});

test("claims counts an alias equal to the model id once", () => {
  assert.deepEqual(claims([claimant("a", "m", { aliases: ["m"] })])[0]?.held, ["m"]);
});

const id = fc.constantFrom("a", "b", "c", "d");
const arbitraryClaimants = fc
  .uniqueArray(
    fc.record({ modelId: id, aliases: fc.array(id, { maxLength: 3 }), createdMs: fc.nat() }),
    {
      selector: (it) => it.createdMs,
      maxLength: 8,
    },
  )
  .map((list) => list.map((it): Claimant => ({ ...it, key: `ns/${it.createdMs}` })));

test("claims gives every claimed id exactly one holder, the oldest, in whatever order they come", () => {
  fc.assert(
    fc.property(arbitraryClaimants, (claimants) => {
      const decided = claims(claimants);
      for (const one of ["a", "b", "c", "d"]) {
        const claiming = claimants.filter((it) => it.modelId === one || it.aliases.includes(one));
        const oldest = claiming.toSorted((x, y) => (x.createdMs ?? 0) - (y.createdMs ?? 0))[0];
        const holders = decided.filter((it) => it.held.includes(one)).map((it) => it.key);
        assert.deepEqual(holders, oldest === undefined ? [] : [oldest.key]);
        const losers = decided.filter((it) => it.lost.some((lost) => lost.id === one));
        assert.equal(losers.length, Math.max(0, claiming.length - 1));
      }
      assert.deepEqual(claims(claimants.toReversed()).toReversed(), decided);
    }),
  );
});

test("an adapter's id is claimed like any other, and goes to the adapter unless it is the model's own", () => {
  const older = claimant("a/old", "tone", { createdMs: 1 });
  const newer = claimant("a/new", "llama", {
    adapterIds: ["tone", "style", "llama"],
    createdMs: 2,
  });
  const [, claim] = claims([older, newer]);
  assert.deepEqual(claim?.lost, [{ id: "tone", holder: "a/old" }]);
  assert.deepEqual(sharesOf(newer, claim), { ids: ["llama"], adapterIds: ["style"] });
});

test("of whom it is not known that it may have an id, the oldest comes after all who may", () => {
  const unsure = claimant("a/old", "llama", { createdMs: 1, yields: ["llama"] });
  const sure = claimant("b/new", "llama", { createdMs: 2 });
  assert.deepEqual(claims([unsure, sure]), [
    { key: "a/old", held: [], lost: [{ id: "llama", holder: "b/new" }] },
    { key: "b/new", held: ["llama"], lost: [] },
  ]);
  assert.deepEqual(claims([unsure])[0]?.held, ["llama"], "nobody else wants it");
});
