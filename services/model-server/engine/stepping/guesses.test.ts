/** Guesses on real llama.cpp: every answer is what it is without them. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Usage } from "@localmodel/inference/events.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
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
const REPEATING = "one two three one two three one two three one two ";
/** From few: see scheduler.test.ts. */
const DRAWN = { ...GREEDY, temperature: 1, topK: 2 };
const MODEL = { slots: 4, contextTokens: 512, promptCacheMiB: 16 };

suite("guessed tokens", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let plain: TestEngine;
  let guessing: TestEngine;

  before(async () => {
    folder = await TemporaryFolder.create();
    const path = folder.file("tiny.gguf");
    await writeTinyChatModel(path, { contextLength: 1024 });
    plain = await TestEngine.load(path, MODEL);
    guessing = await TestEngine.load(path, { ...MODEL, draftTokens: 8 }, { drafting: EAGER });
  });

  after(async () => {
    plain.loaded.unload();
    guessing.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  async function assertSame(request: Asked): Promise<Partial<Usage>> {
    const [without, guessed] = [await plain.ask(request), await guessing.ask(request)];
    assert.equal(guessed.error, undefined);
    assert.deepEqual(guessed.texts, without.texts);
    assert.deepEqual(
      guessed.logprobs.map(({ token }) => token),
      without.logprobs.map(({ token }) => token),
    );
    assert.equal(guessed.usage?.completionTokens, without.usage?.completionTokens);
    assert.deepEqual(
      guessed.events.filter(({ type }) => type === "finish"),
      without.events.filter(({ type }) => type === "finish"),
    );
    return guessed.usage ?? {};
  }

  test("leave the text of every seed as it is, right or wrong", async () => {
    const few = ["the", "a", "one"].flatMap((word) =>
      guessing.loaded.tokenizer.tokenize(word, false),
    );
    const logitBias = few.map((token) => [token, 100] as const);
    const counts = { drafted: 0, accepted: 0 };
    for (let seed = 0; seed < 12; seed += 1) {
      const sampling = { ...GREEDY, temperature: 1, logitBias, seed };
      const { draftedTokens = 0, acceptedTokens = 0 } = await assertSame({
        sampling,
        maxTokens: 60,
      });
      counts.drafted += draftedTokens;
      counts.accepted += acceptedTokens;
    }
    assert.ok(counts.accepted > 0, "none was right");
    assert.ok(counts.drafted > counts.accepted, "none was wrong");
  });

  test("leave penalties, log probabilities, stop strings and ends as they are", async () => {
    const asked: readonly Asked[] = [
      { topLogprobs: 2, maxTokens: 24 },
      { sampling: { ...DRAWN, seed: 3, repeatPenalty: 1.3 }, maxTokens: 24 },
      {
        sampling: { ...GREEDY, mirostat: { version: 2, tau: 5, eta: 0.1 }, seed: 4 },
        maxTokens: 24,
      },
      { stop: ["e"], maxTokens: 64 },
      { ignoreEos: false, minTokens: 5, maxTokens: 40, sampling: { ...DRAWN, seed: 9 } },
      { choicesPerPrompt: 3, sampling: { ...DRAWN, seed: 5 }, maxTokens: 20 },
      { echo: true, topLogprobs: 1, maxTokens: 12 },
      { maxTokens: 1 },
    ];
    for (const request of asked) await assertSame({ text: REPEATING, ...request });
  });

  test("leave what is said afterwards as it is: wrong ones are forgotten", async () => {
    for (let turn = 1; turn <= 4; turn += 1) {
      const sampling = { ...DRAWN, seed: turn };
      await assertSame({ text: REPEATING.repeat(turn), sampling, maxTokens: 40 });
    }
  });

  test("save the steps of a text that repeats itself, and are counted", async () => {
    const [token = 0] = guessing.loaded.tokenizer.tokenize("the", false);
    const { batches } = guessing.counters;
    const sampling = { ...GREEDY, logitBias: [[token, 100]] as const };
    const { usage } = await guessing.ask({ text: "Say it", sampling, maxTokens: 60 });
    const steps = guessing.counters.batches - batches;
    assert.ok(steps < 30, `${steps} steps for 60 tokens`);
    assert.ok((usage?.acceptedTokens ?? 0) > 30);
    assert.ok((usage?.draftedTokens ?? 0) >= (usage?.acceptedTokens ?? 0));
  });

  test("are made in company, too", async () => {
    const requests = [0, 1, 2, 3].map((seed) => ({
      text: REPEATING,
      sampling: { ...DRAWN, seed },
      maxTokens: 40,
    }));
    const together = await Promise.all(requests.map((request) => guessing.ask(request)));
    for (const [index, request] of requests.entries()) {
      assert.deepEqual(together[index]?.texts, (await plain.ask(request)).texts);
    }
  });
});
