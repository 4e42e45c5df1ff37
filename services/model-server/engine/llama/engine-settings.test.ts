/** Fields of `spec.engine` on real llama.cpp: what they change is looked for in what it computes and in what it takes. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { smollm2Path } from "../../../../test/support/smollm2.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { ropeOptions, splitOptions } from "./engine-settings.ts";

const SIZE = { slots: 2, contextTokens: 512, batchTokens: 64 };
const LONG =
  "It was the best of times, it was the worst of times, it was the age of wisdom. ".repeat(4);

/** Some of it is for computing, and llama.cpp rounds what it tells. */
function assertAbout(bytes: number, expected: number): void {
  assert.ok(Math.abs(bytes - expected) <= 0.1 * expected, `${bytes} bytes, not about ${expected}`);
}

function memoryOf({ context }: TestEngine): number {
  return context.memoryBytes.ram;
}

async function twoTexts(engine: TestEngine) {
  const asked = ["One", "Two"].map((text) => engine.ask({ text, maxTokens: 24 }));
  return (await Promise.all(asked)).map(({ texts }) => texts);
}

suite("the engine's settings", { timeout: 180_000 }, () => {
  let folder: TemporaryFolder;
  let path: string;

  before(async () => {
    folder = await TemporaryFolder.create();
    path = folder.file("tiny.gguf");
    await writeTinyChatModel(path);
  });

  after(() => folder[Symbol.asyncDispose]());

  async function using<Result>(
    engine: Partial<EngineSpec>,
    use: (loaded: TestEngine) => Result | Promise<Result>,
    weights = path,
  ): Promise<Result> {
    const loaded = await TestEngine.load(weights, { ...SIZE, ...engine });
    try {
      return await use(loaded);
    } finally {
      loaded.loaded.unload();
    }
  }

  /** What is likely after a text, as numbers. */
  const likely = (engine: Partial<EngineSpec>) =>
    using(engine, async (loaded) => {
      const { logprobs, error } = await loaded.ask({ text: LONG, maxTokens: 1, topLogprobs: 5 });
      assert.equal(error, undefined);
      return logprobs.flatMap(({ top }) => top.map(({ logprob }) => logprob));
    });

  test("scale positions: each way of it computes something else, and what the file says is the default", async () => {
    const asItIs = await likely({});
    assert.deepEqual(await likely({ rope: {} }), asItIs);
    assert.deepEqual(await likely({ rope: { frequencyBase: 10_000, factor: 1 } }), asItIs);
    const yarn = { originalContextTokens: 128 };
    const ways = [
      { frequencyBase: 1_000_000 },
      { scaling: "linear", factor: 4 },
      { scaling: "yarn", factor: 4 },
      { scaling: "yarn", factor: 4, yarn },
      { scaling: "yarn", factor: 4, yarn: { ...yarn, extrapolationFactor: 0.5 } },
      { scaling: "yarn", factor: 4, yarn: { extrapolationFactor: 0, attentionFactor: 2 } },
      { scaling: "yarn", factor: 4, yarn: { ...yarn, betaFast: 4 } },
      { scaling: "yarn", factor: 4, yarn: { ...yarn, betaSlow: 4 } },
    ] as const;
    const seen = [asItIs];
    for (const rope of ways) seen.push(await likely({ rope }));
    // What differs by rounding alone is the same.
    const rounded = seen.map((logprobs) => logprobs.map((logprob) => logprob.toFixed(3)));
    assert.equal(new Set(rounded.map(String)).size, 1 + ways.length);
  });

  test("say every number of YaRN to llama.cpp", () => {
    const yarn = {
      originalContextTokens: 1,
      extrapolationFactor: 0,
      attentionFactor: 3,
      betaFast: 4,
      betaSlow: 5,
    };
    assert.deepEqual(ropeOptions({ scaling: "yarn", factor: 4, frequencyBase: 6, yarn }), {
      scaling: "yarn",
      frequencyScale: 0.25,
      frequencyBase: 6,
      yarnOriginalTokens: 1,
      yarnExtFactor: 0,
      yarnAttnFactor: 3,
      yarnBetaFast: 4,
      yarnBetaSlow: 5,
    });
  });

  test("give keys and values types of their own, and refuse one that this model's heads are too short for", async () => {
    const smollm2 = await smollm2Path();
    const bytes = (engine: Partial<EngineSpec>) => using(engine, memoryOf, smollm2);
    const plain = await bytes({});
    /** Thirty layers of as many elements each, for 1024 tokens. */
    const elements = 30 * 192 * 1024;
    const keys = plain - (await bytes({ kvCacheKeyType: "q8_0" }));
    assertAbout(keys, elements * (2 - 34 / 32));
    const both = plain - (await bytes({ kvCacheKeyType: "q8_0", kvCacheValueType: "q4_0" }));
    assertAbout(both, elements * (2 - 34 / 32 + 2 - 18 / 32));
    assert.equal(await bytes({ kvCacheType: "q8_0", kvCacheValueType: "q4_0" }), plain - both);
    await assert.rejects(using({ kvCacheKeyType: "q8_0" }, memoryOf), /q8_0.*block size 32/);
  });

  test("map the weights or read them", async () => {
    const other = folder.file("mapped.gguf");
    await writeTinyChatModel(other);
    const isMapped = () => readFile("/proc/self/maps", "utf8").then((maps) => maps.includes(other));
    assert.equal(await using({ loadMode: "mmap" }, isMapped, other), true);
    assert.equal(await using({ loadMode: "none" }, isMapped, other), false);
  });

  test("put one cache under all slots: the texts stay, and a beginning in common is there at once", async () => {
    assert.deepEqual(await using({ kvUnified: true }, twoTexts), await using({}, twoTexts));
    // A step looks through what all slots hold, for which there has to be room.
    const bytes = (kvUnified: boolean) => using({ kvUnified, slots: 4 }, memoryOf);
    assert.ok((await bytes(true)) > (await bytes(false)));

    await using({ kvUnified: true, slots: 3 }, async (loaded) => {
      const [first] = (await loaded.ask({ text: LONG, maxTokens: 20 })).texts;
      const several = await loaded.ask({ text: LONG, maxTokens: 20, choicesPerPrompt: 3 });
      assert.deepEqual(several.texts, [first, first, first]);
      const cached = several.events.flatMap((event) =>
        event.type === "started" ? [event.cachedTokens] : [],
      );
      assert.equal(cached.length, 3);
      assert.ok(
        cached.every((tokens) => tokens > 50),
        cached.join(),
      );
      // What one of them forgets stays with the others.
      const other = await loaded.ask({ text: `${LONG} Then`, maxTokens: 20 });
      assert.notEqual(other.texts[0], first);
      assert.deepEqual((await loaded.ask({ text: LONG, maxTokens: 20 })).texts, [first]);
      assert.deepEqual(loaded.broken, []);
    });
  });

  test("keep windows whole: more memory, the same text, and sequences that can be cut", async () => {
    const windowed = folder.file("windowed.gguf");
    await writeTinyChatModel(windowed, { architecture: "cohere2" });
    const look = (engine: Partial<EngineSpec>) =>
      using(
        { ...engine, contextTokens: 2048, slots: 1 },
        async (loaded) => ({
          bytes: loaded.context.memoryBytes.ram,
          cuts: loaded.context.cutsAnywhere,
          texts: (await loaded.ask({ text: LONG, maxTokens: 24 })).texts,
        }),
        windowed,
      );
    const [usual, full] = [await look({}), await look({ fullSwaCache: true })];
    assert.deepEqual([usual.cuts, full.cuts], [false, true]);
    assert.ok(full.bytes > usual.bytes, `${full.bytes} bytes, not more than ${usual.bytes}`);
    assert.deepEqual(full.texts, usual.texts);
  });

  test("refuse tensors and devices that are not there, and load with those that are", async () => {
    const placed = (pattern: string, device = "CPU") =>
      using({ tensorBuffers: [{ pattern, device }] }, (loaded) => loaded.ask({ maxTokens: 4 }));
    await assert.rejects(
      placed("_exps"),
      /engine\.tensorBuffers\[0\]\.pattern: "_exps" matches none of the model's 21 tensors, such as "blk\.1/,
    );
    await assert.rejects(placed("blk\\.["), /tensorBuffers\[0\]\.pattern is no regular expression/);
    await assert.rejects(
      placed("(?<=blk)\\."),
      /tensorBuffers\[0\]\.pattern has something at "\(\?<=blk/,
    );
    await assert.rejects(
      placed("ffn", "CUDA7"),
      /"CUDA7" is no device of this machine, which has CPU/,
    );
    const { texts } = await placed("\\.ffn_(up|down)");
    assert.deepEqual(texts, (await using({}, (loaded) => loaded.ask({ maxTokens: 4 }))).texts);
  });

  test("share a model among devices only where there are so many", () => {
    const shared = EngineSpec.parse({ splitMode: "row", tensorSplit: [3, 1], mainDevice: 1 });
    assert.deepEqual(splitOptions(shared, 2), {
      splitMode: "row",
      tensorSplit: [3, 1],
      mainGpu: 1,
    });
    assert.deepEqual(splitOptions(shared, 0), {});
    assert.throws(() => splitOptions(shared, 1), /tensorSplit has 2 shares, but there is one/);
    assert.throws(
      () => splitOptions(EngineSpec.parse({ mainDevice: 2 }), 2),
      /mainDevice is 2, but there are 2 devices/,
    );
  });
});
