/** A draft model on real llama.cpp: every answer is what it is without one, and the better it knows the large one the fewer steps. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { writeNoiseLora } from "../../../../test/support/noise-lora.ts";
import { smollm2Path } from "../../../../test/support/smollm2.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { GREEDY } from "../../fixtures/sampling.ts";
import type { SlotNeed } from "./compose.ts";

type Asked = Partial<GenerateRequest> & { readonly text?: string };

/** Whatever it costs. */
const EAGER = {
  lengths: (needs: readonly SlotNeed[]) => needs.map(({ guess }) => guess.length),
  modelChance: 1,
  modelLength: (_slots: number, most: number) => most,
  observeModel: () => {},
  record: () => {},
};
const MODEL = { slots: 4, contextTokens: 512, batchTokens: 64 };
const DRAWN = { ...GREEDY, temperature: 1, topK: 2 };
const LONG = "It was the best of times, it was the worst of times. ".repeat(6);

suite("a draft model", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let plain: TestEngine;
  let twin: TestEngine;
  let stranger: TestEngine;

  before(async () => {
    folder = await TemporaryFolder.create();
    const [path, other] = [folder.file("tiny.gguf"), folder.file("other.gguf")];
    await writeTinyChatModel(path);
    await writeTinyChatModel(other, { seed: 2 });
    plain = await TestEngine.load(path, MODEL);
    const drafting = EAGER;
    const engine = { ...MODEL, draftTokens: 6 };
    twin = await TestEngine.load(path, engine, { draftPath: path, drafting });
    stranger = await TestEngine.load(path, engine, { draftPath: other, drafting });
  });

  after(async () => {
    for (const engine of [plain, twin, stranger]) engine?.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  test("that is the model itself is always right, and saves most steps", async () => {
    const { batches } = twin.counters;
    const { usage, texts } = await twin.ask({ maxTokens: 60 });
    assert.deepEqual(texts, (await plain.ask({ maxTokens: 60 })).texts);
    assert.ok((usage?.draftedTokens ?? 0) >= 45, `${usage?.draftedTokens} drafted`);
    assert.equal(usage?.acceptedTokens, usage?.draftedTokens);
    const steps = twin.counters.batches - batches;
    assert.ok(steps <= 14, `${steps} steps for 60 tokens`);
  });

  test("that knows nothing of the model is rarely right, and changes nothing", async () => {
    const { usage, texts } = await stranger.ask({ text: LONG, maxTokens: 60 });
    assert.deepEqual(texts, (await plain.ask({ text: LONG, maxTokens: 60 })).texts);
    const { draftedTokens = 0, acceptedTokens = 0 } = usage ?? {};
    assert.ok(draftedTokens > 100, `${draftedTokens} drafted`);
    assert.ok(acceptedTokens < draftedTokens / 4, `${acceptedTokens} of ${draftedTokens} accepted`);
  });

  test("leaves seeds, log probabilities, stop strings, ends and choices as they are", async () => {
    const asked: readonly Asked[] = [
      { sampling: { ...DRAWN, seed: 3 }, maxTokens: 40 },
      { sampling: { ...DRAWN, seed: 4, repeatPenalty: 1.3 }, maxTokens: 24 },
      { topLogprobs: 2, maxTokens: 16 },
      { stop: ["e"], maxTokens: 64 },
      { ignoreEos: false, minTokens: 5, maxTokens: 40, sampling: { ...DRAWN, seed: 9 } },
      { choicesPerPrompt: 3, sampling: { ...DRAWN, seed: 5 }, maxTokens: 20, text: LONG },
      { maxTokens: 1 },
    ];
    for (const request of asked) {
      const expected = await plain.ask(request);
      for (const engine of [twin, stranger]) {
        const { error, texts, logprobs } = await engine.ask(request);
        assert.equal(error, undefined);
        assert.deepEqual(texts, expected.texts);
        const tokensOf = (all: typeof logprobs) => all.map(({ token }) => token);
        assert.deepEqual(tokensOf(logprobs), tokensOf(expected.logprobs));
      }
    }
  });

  test("drafts for slots in company, and goes on where a conversation does", async () => {
    const requests = [0, 1, 2, 3].map((number) => ({ text: `${number} ${LONG}`, maxTokens: 30 }));
    for (const engine of [twin, stranger]) {
      const together = await Promise.all(requests.map((request) => engine.ask(request)));
      for (const [index, request] of requests.entries()) {
        assert.deepEqual(together[index]?.texts, (await plain.ask(request)).texts);
        const next = { ...request, text: `${request.text}${together[index]?.texts[0]} And` };
        assert.deepEqual((await engine.ask(next)).texts, (await plain.ask(next)).texts);
      }
      assert.deepEqual(engine.broken, []);
    }
  });

  test("drafts for adapters that clients choose, and changes none of their texts", async () => {
    const [weights, tone] = [folder.file("tiny.gguf"), folder.file("tone.gguf")];
    await writeNoiseLora(tone);
    const adapters = [{ id: "tone", path: tone, scale: 1 }];
    const adapted = await TestEngine.load(weights, MODEL, { adapters });
    const drafting = await TestEngine.load(
      weights,
      { ...MODEL, draftTokens: 6 },
      { adapters, draftPath: weights, drafting: EAGER },
    );
    const asked = [{ adapter: "tone" }, {}, { adapter: "tone" }, {}].map((one, index) => ({
      ...one,
      text: `${index} ${LONG}`,
      maxTokens: 30,
    }));
    const together = await Promise.all(asked.map((request) => drafting.ask(request)));
    for (const [index, request] of asked.entries()) {
      assert.deepEqual(together[index]?.texts, (await adapted.ask(request)).texts);
    }
    // While the second prompt of an adapter is read, the first answer gets no drafts.
    const drafted = together.map(({ usage }) => usage?.draftedTokens ?? 0);
    for (const first of [0, 1]) {
      assert.ok((drafted[first] ?? 0) + (drafted[first + 2] ?? 0) > 0, `${drafted.join()} drafted`);
    }
    for (const engine of [adapted, drafting]) engine.loaded.unload();
  });

  test("is left when the answer is no longer wanted, and drafts for the next", async () => {
    const cancelled = twin.start({ text: LONG, maxTokens: 400 }, ({ type }) => {
      if (type === "delta") twin.scheduler.cancel(cancelled.id);
    });
    const { texts, usage } = await twin.ask({ text: LONG, maxTokens: 30 });
    assert.deepEqual(texts, (await plain.ask({ text: LONG, maxTokens: 30 })).texts);
    assert.ok((usage?.acceptedTokens ?? 0) > 15);
    assert.deepEqual(twin.broken, []);
  });

  test("by the clock, decides for itself and leaves the text as it is", async () => {
    // The others' numbers differ in their last bits by how many rows a batch has, and here the clock says how many.
    const path = await smollm2Path();
    const [engine, alone] = [
      await TestEngine.load(path, { ...MODEL, draftTokens: 6 }, { draftPath: path }),
      await TestEngine.load(path, MODEL),
    ];
    try {
      const { texts } = await engine.ask({ maxTokens: 30 });
      assert.deepEqual(texts, (await alone.ask({ maxTokens: 30 })).texts);
    } finally {
      for (const one of [engine, alone]) one.loaded.unload();
    }
  });

  test("of another vocabulary is refused, with the first token that differs", async () => {
    const other = folder.file("vocabulary.gguf");
    await writeTinyChatModel(other, { control: ["<|other|>"] });
    await assert.rejects(
      TestEngine.load(folder.file("tiny.gguf"), MODEL, { draftPath: other }),
      /vocabulary\.gguf cannot draft for this model: its token \d+ is "<\|other\|>", not "<\|fim_prefix\|>"/,
    );
  });
});
