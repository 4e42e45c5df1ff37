import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { inspection, modelWith } from "../fixtures/models.ts";
import { deviceMemoryAlternatives } from "./device-memory.ts";

const GIB = 2 ** 30;
/** About a 70B model, 5-bit. */
const large: Inspection = {
  ...inspection,
  sizeBytes: 49 * GIB,
  layers: 80,
  embeddingDimensions: 8192,
  keyValueElements: 2 * 80 * 1024,
};

const alternatives = (spec: Partial<LocalModelSpecInput>, found: Inspection = large) =>
  deviceMemoryAlternatives(modelWith(spec), found);

const leastGib = (spec: Partial<LocalModelSpecInput>, found?: Inspection): number =>
  Number(alternatives(spec, found)[0]?.values[0]) / 1024;

test("a model that is on a device whole excludes nodes whose label says that theirs are too small", () => {
  const [least, unlabelled] = alternatives({ gpu: {} });
  assert.equal(least?.key, "nvidia.com/gpu.memory");
  assert.equal(least.operator, "Gt");
  const gib = leastGib({ gpu: {} });
  assert.ok(gib > 54 && gib < 60, `${gib} GiB`);
  assert.deepEqual(unlabelled, { key: least.key, operator: "DoesNotExist", values: [] });
});

test("what is spread over devices needs less of each, and what stays on the CPU none", () => {
  const gib = leastGib({ gpu: { count: 2 } });
  assert.ok(gib > 27 && gib < 32, `${gib} GiB`);
  assert.ok(leastGib({ gpu: {}, engine: { gpuLayers: 40 } }) < 32);
  assert.deepEqual(alternatives({ gpu: {}, engine: { gpuLayers: 0 } }), []);
});

test("what one device gets of a shared model is what it has to have room for", () => {
  const two = { gpu: { count: 2 } };
  assert.equal(leastGib({ ...two, engine: { splitMode: "none" } }), leastGib({ gpu: {} }));
  const uneven = leastGib({ ...two, engine: { tensorSplit: [3, 1] } });
  assert.ok(uneven > 40 && uneven < 46, `${uneven} GiB`);
  const tensorBuffers = [{ pattern: "_exps" }];
  assert.ok(
    leastGib({ gpu: {}, engine: { tensorBuffers } }) < 5,
    "nobody knows what is kept in RAM",
  );
});

test("what looks at pictures needs its device's memory beside its file", () => {
  const projector = { http: { url: "https://models.example/mmproj.gguf" } };
  const looking = { gpu: { count: 2 }, projector };
  const without = leastGib({ gpu: { count: 2 } });
  const extra = leastGib(looking, { ...large, encoderBytes: 3 * GIB }) - without;
  assert.ok(extra > 3 && extra < 3.3, `${extra} GiB`);
  assert.ok(leastGib(looking) > without, "also where the header does not tell how much");
  assert.equal(leastGib({ gpu: { count: 2 } }, { ...large, encoderBytes: 3 * GIB }), without);
});

test("slices go by their own labels", () => {
  const [least] = alternatives({ gpu: { resourceName: "nvidia.com/mig-1g.10gb" } }, inspection);
  assert.equal(least?.key, "nvidia.com/mig-1g.10gb.memory");
});

test("who says himself what he needs, may do without, or has other devices, is not second-guessed", () => {
  for (const gpu of [
    { memory: "80Gi" },
    { requirement: "Preferred" as const },
    { resourceName: "amd.com/gpu" },
    { resourceClaimTemplateName: "big" },
    { count: 0 },
  ]) {
    assert.deepEqual(alternatives({ gpu }), [], JSON.stringify(gpu));
  }
  assert.deepEqual(alternatives({}), []);
  assert.deepEqual(deviceMemoryAlternatives(modelWith({ gpu: {} }), undefined), []);
});

test("more devices never need more memory each, and a longer context never less", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 63 }),
      fc.integer({ min: 16, max: 100_000 }),
      (count, contextTokens) => {
        const engine = { contextTokens };
        const least = leastGib({ gpu: { count }, engine });
        assert.ok(leastGib({ gpu: { count: count + 1 }, engine }) <= least);
        assert.ok(
          leastGib({ gpu: { count }, engine: { contextTokens: contextTokens * 2 } }) >= least,
        );
      },
    ),
  );
});
