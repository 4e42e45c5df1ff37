import assert from "node:assert/strict";
import { test } from "node:test";
import { accessProblem, deviceFacts, openLibrary } from "./library.ts";

test("where llama.cpp finds no device, the problem says so", async () => {
  const library = await openLibrary({ gpuLayers: 0 }, () => {});
  assert.deepEqual(deviceFacts(library), []);
  const problem = accessProblem(library);
  assert.equal(problem?.reason, "AcceleratorMissing");
  assert.match(problem?.message ?? "", /was given a GPU, and llama.cpp finds none that it can use/);
});
