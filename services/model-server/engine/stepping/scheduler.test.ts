/** The scheduler on real llama.cpp: what requests can rely on, alone and in company. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { GREEDY } from "../../fixtures/sampling.ts";

const WARM = { ...GREEDY, temperature: 1 };
/**
 * Drawn, but from few: how many are in a batch changes the last bits of logits, and a model of noise has hundreds of
 * tokens that differ by less.
 */
const DRAWN = { ...WARM, topK: 2 };
const SLOTS = 4;
const LONG_TEXT = "the quick brown fox jumps over the lazy dog ".repeat(20);

suite("the scheduler", { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create();
    const path = folder.file("tiny.gguf");
    await writeTinyChatModel(path, { contextLength: 1024 });
    const options = { slots: SLOTS, contextTokens: 1024, promptCacheMiB: 64 };
    engine = await TestEngine.load(path, options);
  });

  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  test("decodes all running requests in one batch, not all but one", async () => {
    const steps = 50;
    const { batches, sequences } = engine.counters;
    await Promise.all(
      Array.from({ length: SLOTS }, (_, index) =>
        engine.ask({ text: `Story ${index}`, maxTokens: steps }),
      ),
    );
    const fill = (engine.counters.sequences - sequences) / (engine.counters.batches - batches);
    assert.ok(fill > SLOTS - 0.5, `${fill} of ${SLOTS} sequences a batch`);
  });

  test("starts a request on a used slot while other requests keep generating", async () => {
    let ended = 0;
    const running = [0, 1, 2].map((index) =>
      engine.ask({ text: `A long tale ${index}`, maxTokens: 900 }).then(() => ended++),
    );
    for (let round = 0; round < 3; round++) {
      // One slot is left, and every time its cache has to be erased first.
      await engine.ask({ text: `Another thing, number ${round}`, maxTokens: 2 });
    }
    assert.equal(ended, 0, "the long requests must still be running");
    await Promise.all(running);
  });

  test("gives simultaneous requests without a seed different answers", async () => {
    const answers = await Promise.all(
      Array.from({ length: SLOTS }, () => engine.ask({ sampling: WARM, maxTokens: 24 })),
    );
    assert.equal(new Set(answers.map(({ texts }) => texts[0])).size, SLOTS);
  });

  test("gives the same seed the same answer, alone or in company", async () => {
    const seeded = { sampling: { ...DRAWN, seed: 42 }, maxTokens: 24 };
    const alone = await engine.ask(seeded);
    const company = [0, 1, 2].map((index) =>
      engine.ask({ text: `Company ${index}`, sampling: WARM, maxTokens: 60 }),
    );
    const [again] = await Promise.all([engine.ask(seeded), ...company]);
    assert.deepEqual(again?.texts, alone.texts);
    const other = await engine.ask({ ...seeded, sampling: { ...DRAWN, seed: 43 } });
    assert.notDeepEqual(other.texts, alone.texts);
  });

  test("gives the choices of one request seeds of their own", async () => {
    const { texts, usage } = await engine.ask({
      sampling: { ...WARM, seed: 7 },
      choicesPerPrompt: 6,
      maxTokens: 16,
    });
    assert.equal(new Set(texts).size, 6);
    assert.equal(usage?.completionTokens, 6 * 16);
  });

  test("keeps running streams going while a long prompt is evaluated", async () => {
    const order: string[] = [];
    const stream = engine.start({ text: "Stream", maxTokens: 400 }, ({ type }) => order.push(type));
    await until(() => order.includes("delta"));
    const earlier = order.length;
    await engine.ask({ text: LONG_TEXT, maxTokens: 1 });
    assert.ok(order.length - earlier >= 5, `${order.length - earlier} tokens meanwhile`);
    engine.scheduler.cancel(stream.id);
  });

  test("leaves a prompt in the middle when its client is gone", async () => {
    const text = `Gone ${LONG_TEXT}`;
    const request = engine.start({ text, maxTokens: 1 }, (event) => {
      if (event.type === "started") engine.scheduler.cancel(request.id);
    });
    const { usage } = await engine.ask({ text, maxTokens: 1 });
    assert.ok((usage?.cachedTokens ?? 0) < (usage?.promptTokens ?? 0) - 1, "evaluated to the end");
  });

  test("abandons an evaluation that nobody waits for any more, and answers as if it had never begun", async () => {
    const text = `Abandoned ${LONG_TEXT}`;
    const fresh = await engine.ask({ text, maxTokens: 12, tenant: "fresh" });
    const begun = await engine.ask({ text: text.slice(0, 300), maxTokens: 1, tenant: "gone" });
    const { context, scheduler } = engine;
    const evaluate = context.evaluate.bind(context);
    const cut = Promise.withResolvers<unknown>();
    context.evaluate = async (runs, abandoned) => {
      context.evaluate = evaluate;
      // As llama.cpp leaves it when it stops between two micro-batches.
      await evaluate(runs.map((run) => ({ ...run, tokens: run.tokens.slice(0, 4) })));
      scheduler.cancel(gone.id);
      const indexes = await evaluate(runs, abandoned);
      cut.resolve(indexes);
      return indexes;
    };
    const gone = engine.start({ text, maxTokens: 1, tenant: "gone" });
    assert.equal(await cut.promise, undefined);
    const { usage, texts } = await engine.ask({ text, maxTokens: 12, tenant: "gone" });
    assert.ok((usage?.cachedTokens ?? 0) <= (begun.usage?.promptTokens ?? 0));
    assert.deepEqual(texts, fresh.texts);
  });

  test("frees the slot of a cancelled stream for the next in line", async () => {
    const requests = Array.from({ length: SLOTS }, (_, index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const request = engine.start({ text: `Full ${index}`, maxTokens: 900 }, (event) => {
        if (event.type === "delta") resolve();
      });
      return { ...request, decoding: promise };
    });
    await Promise.all(requests.map(({ decoding }) => decoding));
    for (const { id } of requests) engine.scheduler.cancel(id);
    const { usage } = await engine.ask({ text: "Next", maxTokens: 3 });
    assert.equal(usage?.completionTokens, 3);
  });

  test("evaluates only what the longest cached beginning lacks", async () => {
    const text = "A conversation that goes on and on about many things";
    const first = await engine.ask({ text, maxTokens: 4 });
    const second = await engine.ask({ text: `${text}, and then some more`, maxTokens: 4 });
    assert.equal(second.usage?.cachedTokens, first.usage?.promptTokens);
  });

  test("evaluates a prompt once, however many choices it has", async () => {
    const request = { text: `Once ${LONG_TEXT}`, maxTokens: 6, sampling: DRAWN };
    const { events, usage } = await engine.ask({ ...request, choicesPerPrompt: SLOTS });
    const cached = events.flatMap((event) => (event.type === "started" ? event.cachedTokens : []));
    assert.deepEqual(cached, [0, ...Array(SLOTS - 1).fill((usage?.promptTokens ?? 0) - 1)]);
  });

  test("answers from a copied beginning as from one that was evaluated", async () => {
    const text = `Copied ${LONG_TEXT}`;
    const alone = await engine.ask({ text, maxTokens: 12, tenant: "alone" });
    const begun = Promise.withResolvers<void>();
    const running = engine.start({ text, maxTokens: 400, tenant: "copied" }, (event) => {
      if (event.type === "delta") begun.resolve();
    });
    await begun.promise;
    const copied = await engine.ask({ text, maxTokens: 12, tenant: "copied" });
    engine.scheduler.cancel(running.id);
    assert.equal(copied.usage?.cachedTokens, (copied.usage?.promptTokens ?? 0) - 1);
    assert.deepEqual(copied.texts, alone.texts);
  });

  test("copies nothing from a tenant to another", async () => {
    const text = `Theirs ${LONG_TEXT}`;
    const begun = Promise.withResolvers<void>();
    const running = engine.start({ text, maxTokens: 400, tenant: "theirs" }, (event) => {
      if (event.type === "delta") begun.resolve();
    });
    await begun.promise;
    const other = await engine.ask({ text, maxTokens: 2, tenant: "others" });
    engine.scheduler.cancel(running.id);
    assert.equal(other.usage?.cachedTokens, 0);
  });

  test("keeps more conversations than it has slots, each for its tenant", async () => {
    const told = Array.from({ length: 2 * SLOTS }, (_, index) => `Kept ${index} ${LONG_TEXT}`);
    const first = [];
    for (const text of told) first.push(await engine.ask({ text, maxTokens: 8, tenant: "kept" }));
    for (const [index, text] of told.entries()) {
      const { texts, usage } = await engine.ask({ text, maxTokens: 8, tenant: "kept" });
      assert.equal(usage?.cachedTokens, (usage?.promptTokens ?? 0) - 1, `conversation ${index}`);
      assert.deepEqual(texts, first[index]?.texts);
    }
    const [text = ""] = told;
    const { usage } = await engine.ask({ text, maxTokens: 8, tenant: "another" });
    assert.equal(usage?.cachedTokens, 0);
  });

  test("never shares a cached beginning between tenants", async () => {
    const text = "The secret of this house is under the third stone of the garden";
    await engine.ask({ text, tenant: "alice", maxTokens: 2 });
    const bob = await engine.ask({ text, tenant: "bob", maxTokens: 2 });
    assert.equal(bob.usage?.cachedTokens, 0);
  });

  test("reports probabilities of the model, whatever the sampling options are", async () => {
    const options = { maxTokens: 5, topLogprobs: 3, text: "Raw" };
    const plain = await engine.ask(options);
    const shaped = await engine.ask({ ...options, sampling: { ...GREEDY, topK: 1, topP: 0.1 } });
    assert.equal(plain.logprobs.length, 5);
    for (const [index, { logprob, top }] of plain.logprobs.entries()) {
      assert.equal(top.length, 3);
      assert.equal(logprob, top[0]?.logprob, "greedy takes the most probable token");
      assert.ok((logprob ?? 0) < -0.5, "a random model is never sure");
      const other = shaped.logprobs[index];
      assert.ok(Math.abs((other?.logprob ?? 0) - (logprob ?? 0)) < 1e-3);
    }
  });

  test("writes the same text with and without log probabilities", async () => {
    const options = { sampling: { ...WARM, seed: 11, repeatPenalty: 1.3 }, maxTokens: 20 };
    const without = await engine.ask(options);
    const withThem = await engine.ask({ ...options, topLogprobs: 1 });
    assert.deepEqual(withThem.texts, without.texts);
    const { controlTexts } = engine.loaded.vocabulary;
    const bytes = withThem.logprobs
      .filter(({ token }) => !controlTexts.includes(token))
      .flatMap((logprob) => logprob.bytes);
    assert.ok(
      Buffer.from(bytes)
        .toString()
        .startsWith(withThem.texts[0] ?? "?"),
    );
  });

  test("scores a prompt without generating anything", async () => {
    const { events, logprobs, usage } = await engine.ask({
      text: "Score this text",
      echo: true,
      topLogprobs: 1,
      maxTokens: 0,
    });
    assert.deepEqual(
      events.map(({ type }) => type),
      ["accepted", "started", "echo", "finish", "done"],
    );
    assert.equal(logprobs[0]?.logprob, null);
    assert.ok(logprobs.slice(1).every(({ logprob }) => logprob !== null && logprob < 0));
    assert.equal(logprobs.map(({ token }) => token).join(""), "Score this text");
    assert.equal(usage?.completionTokens, 0);
  });

  test("echoes a prompt to the letter, control texts included", async () => {
    const text = "<|im_start|>user\nhi<|im_end|>";
    const { texts } = await engine.ask({ text, echo: true, maxTokens: 0 });
    assert.equal(texts[0], text);
  });

  test("goes on with the character that a prompt of tokens leaves unfinished", async () => {
    const { vocabulary } = engine.loaded;
    const all = Array.from({ length: vocabulary.size }, (_, token) => token);
    const tokenOf = (byte: number): number =>
      all.find((token) => Buffer.from([byte]).equals(vocabulary.bytes(token))) ?? -1;
    const [first = 0, second = 0] = Buffer.from("é");
    const { events, texts } = await engine.ask({
      prompts: [{ kind: "tokens", tokens: [tokenOf(0x61), tokenOf(first)] }],
      sampling: { ...GREEDY, logitBias: [[tokenOf(second), 100]] },
      echo: true,
      maxTokens: 1,
    });
    assert.equal(events.find((event) => event.type === "echo")?.text, "a");
    assert.equal(texts[0], "aé");
  });

  test("bans and forces tokens by bias, end-of-generation tokens included", async () => {
    const [end = -1] = engine.loaded.ends;
    const { vocabulary } = engine.loaded;
    const forced = await engine.ask({
      sampling: { ...GREEDY, logitBias: [[end, 100]] },
      ignoreEos: false,
    });
    assert.deepEqual(forced.usage?.completionTokens, 0);
    assert.equal(forced.events.find((event) => event.type === "finish")?.reason, "stop");

    const plain = await engine.ask({ topLogprobs: 0, maxTokens: 1 });
    const said = Buffer.from(plain.logprobs[0]?.bytes ?? []);
    const all = Array.from({ length: vocabulary.size }, (_, token) => token);
    const token = all.find((candidate) => said.equals(vocabulary.bytes(candidate))) ?? -1;
    const banned = await engine.ask({
      sampling: { ...GREEDY, logitBias: [[token, -100]] },
      maxTokens: 1,
    });
    assert.ok(token >= 0);
    assert.notEqual(banned.texts[0], plain.texts[0]);
  });

  test("does not end before the minimum length, and can end after it", async () => {
    const [end = -1] = engine.loaded.ends;
    const eager = { sampling: { ...GREEDY, logitBias: [[end, 100] as const] }, ignoreEos: false };
    const { usage } = await engine.ask({ ...eager, minTokens: 7 });
    assert.equal(usage?.completionTokens, 7);
  });

  test("penalises what was said already", async () => {
    const repeat = await engine.ask({ maxTokens: 60 });
    const penalised = await engine.ask({
      maxTokens: 60,
      sampling: { ...GREEDY, frequencyPenalty: 2, presencePenalty: 2 },
    });
    assert.notEqual(penalised.texts[0], repeat.texts[0]);
  });

  test("repeats nothing that DRY penalises, and draws with every sampler by its seed", async () => {
    const repeating = { ...GREEDY, logitBias: [[40, 60] as const] };
    const dry = { multiplier: 50, base: 1.75, allowedLength: 1, lastTokens: -1 };
    const plain = await engine.ask({ sampling: repeating, maxTokens: 20 });
    const dried = await engine.ask({ sampling: { ...repeating, dry }, maxTokens: 20 });
    assert.equal(new Set(plain.texts[0]).size, 1);
    assert.ok(new Set(dried.texts[0]).size > 1);
    for (const rare of [
      { typicalP: 0.5 },
      { topNSigma: 1 },
      { xtc: { probability: 1, threshold: 0.001 } },
      { mirostat: { version: 1, tau: 1, eta: 0.1 } as const },
      { mirostat: { version: 2, tau: 1, eta: 0.1 } as const },
      { dynamicTemperature: { range: 0.9, exponent: 1 } },
      { minKeep: 5, topP: 0.001 },
    ]) {
      const sampling = { ...WARM, ...rare, seed: 5 };
      const [one, again, other] = [
        await engine.ask({ sampling, maxTokens: 20 }),
        await engine.ask({ sampling, maxTokens: 20 }),
        await engine.ask({ sampling: { ...WARM, seed: 5 }, maxTokens: 20 }),
      ];
      assert.deepEqual(one.texts, again.texts, JSON.stringify(rare));
      assert.notDeepEqual(one.texts, other.texts, JSON.stringify(rare));
    }
  });

  test("stops at the end of the context and says so", async () => {
    const { usage, events } = await engine.ask({ text: "Fill", maxTokens: 100_000 });
    assert.equal((usage?.promptTokens ?? 0) + (usage?.completionTokens ?? 0), 1024);
    assert.deepEqual(events.find((event) => event.type === "finish")?.reason, "length");
  });

  test("tells which tokens wrote the text, if asked to", async () => {
    const { events, texts } = await engine.ask({
      text: "Once",
      maxTokens: 12,
      reportsPieces: true,
    });
    const pieces = events.flatMap((event) => (event.type === "delta" ? (event.pieces ?? []) : []));
    assert.equal(pieces.length, 12);
    const written = pieces.filter(({ isControl }) => !isControl);
    assert.equal(written.map(({ text }) => text).join(""), texts[0]);
    const plain = await engine.ask({ text: "Once", maxTokens: 12 });
    assert.deepEqual(plain.texts, texts);
    assert.ok(plain.events.every((event) => event.type !== "delta" || event.pieces === undefined));
  });

  test("refuses a prompt that leaves no room for an answer, with both numbers", async () => {
    const { error } = await engine.ask({ text: "word ".repeat(3000) });
    assert.equal(error?.kind, "invalid");
    assert.equal(error?.code, "context_length_exceeded");
    assert.match(error?.message ?? "", /maximum context length is 1024 tokens.*\d{4} tokens/u);
  });

  test("shares slots between a request for many choices and one for few", async () => {
    const finished: string[] = [];
    const many = engine.start({ choicesPerPrompt: 24, maxTokens: 30, sampling: WARM });
    const few = engine.start({ text: "One", maxTokens: 30 });
    await Promise.all([
      many.done.then(() => finished.push("many")),
      few.done.then(() => finished.push("few")),
    ]);
    assert.deepEqual(finished, ["few", "many"]);
  });

  test("tells the events of a choice in order, and done last", async () => {
    const { events } = await engine.ask({ choicesPerPrompt: 2, maxTokens: 4, sampling: WARM });
    for (const choice of [0, 1]) {
      const own = events.filter(
        (event): event is GenerateEvent & { choice: number } =>
          "choice" in event && event.choice === choice,
      );
      assert.equal(own[0]?.type, "started");
      assert.equal(own.at(-1)?.type, "finish");
      assert.equal(own.filter(({ type }) => type === "finish").length, 1);
    }
    assert.equal(events[0]?.type, "accepted");
    assert.equal(events.at(-1)?.type, "done");
  });

  test("scores prompts beside running streams without touching what they say", async () => {
    const story = { text: "Beside", sampling: { ...DRAWN, seed: 5 }, maxTokens: 60 };
    const alone = await engine.ask(story);
    const [beside] = await Promise.all([
      engine.ask(story),
      ...[0, 1].map((index) =>
        engine.ask({
          text: `Score ${index} ${LONG_TEXT}`,
          echo: true,
          topLogprobs: 1,
          maxTokens: 3,
        }),
      ),
    ]);
    assert.deepEqual(beside?.texts, alone.texts);
  });

  test("answers prompts of all lengths that arrive together as it answers each alone", async () => {
    const requests = Array.from({ length: 12 }, (_, index) => ({
      text: `Prompt ${index} ${"and more ".repeat(index)}`,
      maxTokens: 1 + (index % 5),
      tenant: `together ${index}`,
    }));
    const together = await Promise.all(requests.map((request) => engine.ask(request)));
    for (const [index, request] of requests.entries()) {
      const alone = await engine.ask({ ...request, tenant: `alone ${index}` });
      assert.deepEqual(together[index]?.texts, alone.texts, request.text);
    }
  });

  test("runs with flash attention unless told otherwise", () => {
    assert.equal(engine.context.flashAttention, true);
  });

  test("breaks nothing in all of this", () => {
    assert.deepEqual(engine.broken, []);
  });
});

/** Waits for the event loop to bring about `condition`. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
