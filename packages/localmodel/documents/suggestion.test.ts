import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./suggestion.ts";

const fields = ["replicas", "resources", "engine", "env", "modelId", "gpu"];

const cases: Record<string, [written: string, meant: string | undefined]> = {
  "a swapped pair of letters": ["repilcas", "replicas"],
  "a missing letter": ["resorces", "resources"],
  "another case": ["modelid", "modelId"],
  "a short name with one slip": ["gpus", "gpu"],
  "nothing for a word that is far from all": ["temperature", undefined],
  "nothing for a short word that is far from all": ["x", undefined],
};

for (const [name, [written, meant]] of Object.entries(cases)) {
  test(`nearest finds ${name}`, () => assert.equal(nearest(written, fields), meant));
}

test("nearest prefers the closest of several", () => {
  assert.equal(nearest("toplP", ["topK", "topP", "top"]), "topP");
});

test("nearest does no work for a name no field could have", () => {
  assert.equal(nearest("a".repeat(1_000_000), fields), undefined);
});
