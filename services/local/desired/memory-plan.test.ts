/** What a model is counted with is what its server is told: nothing that it takes is left to what happens to be free. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import fc from "fast-check";
import { memoryPlan } from "./memory-plan.ts";
import { placed, PROCESS_BYTES } from "./placement.ts";

const GB = 1e9;
const MIB = 2 ** 20;

const SMALL: Inspection = {
  architecture: "llama",
  parameters: 500_000_000,
  quantization: "Q4_K_M",
  sizeBytes: 0.4 * GB,
  furtherBytes: 0,
  trainContextTokens: 4096,
  vocabularyTokens: 32_000,
  embeddingDimensions: 1024,
  layers: 24,
  keyValueElements: 24 * 2 * 128,
};

const anyModel = fc.record({
  sizeBytes: fc.integer({ min: 1e6, max: 40e9 }),
  trainContextTokens: fc.integer({ min: 256, max: 200_000 }),
});

function planFor(
  budgetBytes: number,
  {
    sleeps = true,
    engine = {},
    inspection = {},
    deviceBytes = 0,
  }: {
    sleeps?: boolean;
    engine?: object;
    inspection?: Partial<Inspection>;
    deviceBytes?: number;
  } = {},
) {
  const planned = { engine: EngineSpec.parse(engine), sleeps };
  const budget = { ramBytes: budgetBytes, deviceBytes };
  const plan = memoryPlan({ ...SMALL, ...inspection }, planned, budget);
  return { ...plan, bytes: plan.needs.totalBytes, ...placed(plan.needs, deviceBytes) };
}

describe("the memory that a model is given", () => {
  test("has the cached beginnings in it that its server is told to keep", () => {
    const size = fc.integer({ min: 1e9, max: 100e9 });
    fc.assert(
      fc.property(anyModel, size, fc.boolean(), (inspection, budgetBytes, sleeps) => {
        const { bytes, engine } = planFor(budgetBytes, { inspection, sleeps });
        assert.ok(engine.promptCacheMiB !== undefined);
        const whole = estimateMemory({ ...SMALL, ...inspection }, EngineSpec.parse(engine));
        if (sleeps) assert.equal(bytes, whole.totalBytes);
        // Alone it would fit into the budget: keeping beginnings does not change that.
        const bare = bytes - engine.promptCacheMiB * MIB;
        assert.ok(bytes <= Math.max(budgetBytes, bare));
      }),
    );
  });

  test("lets as many models beside each other as the budget holds with all that they keep", () => {
    const { bytes, engine } = planFor(8 * GB);
    assert.ok(engine.promptCacheMiB !== undefined && engine.promptCacheMiB > 0);
    const { totalBytes } = estimateMemory(SMALL, EngineSpec.parse(engine));
    const atOnce = Math.floor((8 * GB) / bytes);
    assert.ok(atOnce >= 4, `${atOnce} at once`);
    assert.ok(atOnce * totalBytes <= 8 * GB);
  });

  test("has two models side by side, where their context is chosen", () => {
    const long = { trainContextTokens: 200_000 };
    const { bytes, engine } = planFor(16 * GB, { inspection: long });
    assert.ok(bytes <= 8 * GB && bytes > 7.5 * GB);
    assert.ok((engine.contextTokens ?? 0) > 4096);
  });

  test("keeps as many beginnings as its document says", () => {
    for (const promptCacheMiB of [0, 100]) {
      const { bytes, engine } = planFor(8 * GB, { engine: { promptCacheMiB } });
      assert.equal(engine.promptCacheMiB, undefined);
      const chosen = EngineSpec.parse({ ...engine, promptCacheMiB });
      assert.equal(bytes, estimateMemory(SMALL, chosen).totalBytes);
    }
  });

  test("is, of one that stays, a share of what it leaves for beginnings, 2 GiB at most; its server chooses the context", () => {
    const { bytes, engine } = planFor(8 * GB, { sleeps: false });
    const { totalBytes } = estimateMemory(SMALL, EngineSpec.parse({}));
    const promptCacheMiB = Math.floor((8 * GB - totalBytes) / 8 / MIB);
    assert.deepEqual(engine, { promptCacheMiB });
    assert.equal(bytes, totalBytes + promptCacheMiB * MIB);
    assert.deepEqual(planFor(100 * GB, { sleeps: false }).engine, { promptCacheMiB: 2048 });
    assert.deepEqual(planFor(0.1 * GB, { sleeps: false }).engine, { promptCacheMiB: 0 });
  });

  test("is, of one that GPUs hold, theirs but for what its processes take, with as much context as stays there", () => {
    const long = { trainContextTokens: 200_000 };
    const on = planFor(16 * GB, { inspection: long, deviceBytes: 8 * GB });
    assert.equal(on.ramBytes, on.bytes - on.needs.layersBytes);
    assert.ok(on.deviceBytes > 4 * GB && on.deviceBytes <= 8 * GB, `${on.deviceBytes}`);
    assert.ok((on.engine.contextTokens ?? 0) > 4096);
    // What conversations leave there is kept in the machine's memory.
    assert.ok((on.engine.promptCacheMiB ?? 0) > 0);
  });

  test("is not the machine's where a GPU holds what the machine cannot", () => {
    const large = { sizeBytes: 20 * GB, layers: 40 };
    assert.ok(planFor(8 * GB, { inspection: large }).ramBytes > 20 * GB);
    const on = planFor(8 * GB, { inspection: large, deviceBytes: 24 * GB });
    assert.ok(on.ramBytes < 8 * GB && on.deviceBytes > 20 * GB);
  });

  test("is the machine's for the layers that GPUs have no room for", () => {
    const large = { sizeBytes: 20 * GB, layers: 39 };
    const { needs, ramBytes, deviceBytes } = planFor(32 * GB, {
      inspection: large,
      deviceBytes: 8 * GB,
    });
    assert.ok(deviceBytes <= 8 * GB && deviceBytes > 7 * GB);
    const movedBytes = deviceBytes - needs.computeBytes - PROCESS_BYTES;
    assert.ok(Math.abs(ramBytes + movedBytes - needs.totalBytes) <= 1);
  });

  test("is on GPUs for as many layers as somebody asks for, and without GPUs for none", () => {
    const size = { sizeBytes: 4 * GB, layers: 39 };
    const layersOn = (gpuLayers: number, deviceBytes: number) => {
      const plan = planFor(32 * GB, { inspection: size, deviceBytes, engine: { gpuLayers } });
      const movedBytes = plan.deviceBytes - plan.needs.computeBytes - PROCESS_BYTES;
      return plan.deviceBytes === 0 ? 0 : Math.round((40 * movedBytes) / plan.needs.layersBytes);
    };
    assert.equal(layersOn(0, 24 * GB), 0);
    assert.equal(layersOn(10, 24 * GB), 10);
    assert.equal(layersOn(1000, 24 * GB), 40);
    // It is what its server does, whether or not it fits.
    assert.equal(layersOn(40, 1 * GB), 40);
    assert.equal(layersOn(40, 0), 0);
  });
});
