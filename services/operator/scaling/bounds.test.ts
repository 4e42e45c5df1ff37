/** What spec.scaling and the rest of a spec make of the bounds within which a model scales. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelWith } from "../fixtures/models.ts";
import { boundsOf } from "./bounds.ts";

const NOW_MS = 0;

for (const [what, scaling, expected] of [
  ["as many requests as it has slots", {}, 6],
  ["more, of which some wait, where the spec says so", { targetRequestsPerReplica: 60 }, 60],
  ["fewer, so that slots stay free, where the spec says so", { targetRequestsPerReplica: 1 }, 1],
] as const) {
  test(`a replica is meant for ${what}`, () => {
    const model = modelWith({ engine: { slots: 6 }, scaling });
    assert.equal(boundsOf(model, NOW_MS)?.requestsPerReplica, expected);
  });
}

test("a model that sleeps in its pods has one, and no more than a quota leaves", () => {
  const unloads = modelWith({ scaling: { sleep: "unload", maxReplicas: 3 } });
  const { minReplicas, maxReplicas } = boundsOf(unloads, NOW_MS) ?? assert.fail();
  assert.deepEqual([minReplicas, maxReplicas], [1, 3]);
  const left = boundsOf({ ...unloads, roomForReplicas: 2 }, NOW_MS);
  assert.equal(left?.maxReplicas, 2);
});
