/** Adapters on real llama.cpp: one set of slots for all of them, and each answers as it would alone. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { writeNoiseLora } from "../../../../test/support/noise-lora.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";

const ADAPTERS = [undefined, "tone", "style"] as const;
const SETTINGS = { slots: 2, contextTokens: 1024 };
const LONG = "The sea is wide, and the ship is small. ".repeat(12);

const asking = (adapter: string | undefined) => (adapter === undefined ? {} : { adapter });

suite("adapters in one context", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let engine: TestEngine;

  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("model.gguf"), { contextLength: 2048 });
    await writeNoiseLora(folder.file("tone.gguf"), { seed: 1 });
    await writeNoiseLora(folder.file("style.gguf"), { seed: 2 });
    const adapters = ["tone", "style"].map((id) => ({
      id,
      path: folder.file(`${id}.gguf`),
      scale: 1,
    }));
    engine = await TestEngine.load(folder.file("model.gguf"), SETTINGS, { adapters });
  });

  after(async () => {
    engine?.loaded.unload();
    await folder?.[Symbol.asyncDispose]();
  });

  test("share no beginning: the same prompt is read once for each, and again only for the same", async () => {
    const texts = new Set<string | undefined>();
    for (const adapter of ADAPTERS) {
      const request = { text: LONG, tenant: "reader", maxTokens: 12, ...asking(adapter) };
      const first = await engine.ask(request);
      assert.equal(first.usage?.cachedTokens, 0, adapter);
      const again = await engine.ask(request);
      assert.ok((again.usage?.cachedTokens ?? 0) > 100, adapter);
      assert.deepEqual(again.texts, first.texts);
      texts.add(first.texts[0]);
    }
    assert.equal(texts.size, ADAPTERS.length);
  });

  test("answer as they do alone, however many are asked for at once", async () => {
    const requests = ADAPTERS.flatMap((adapter) =>
      ["Once", "The sea", LONG].map((text) => ({ text, maxTokens: 40, ...asking(adapter) })),
    );
    const alone: (readonly string[])[] = [];
    for (const [index, request] of requests.entries()) {
      alone.push((await engine.ask({ ...request, tenant: `alone ${index}` })).texts);
    }
    const together = await Promise.all(
      requests.map((request, index) => engine.ask({ ...request, tenant: `together ${index}` })),
    );
    assert.deepEqual(
      together.map(({ texts }) => texts),
      alone,
    );
    assert.deepEqual(engine.broken, []);
  });

  test("are left at the next step by who hangs up, and the others' texts are whole", async () => {
    const request = { text: "A long story", maxTokens: 300 };
    const gone = engine.start({ ...request, adapter: "tone", tenant: "gone" }, ({ type }) => {
      if (type === "delta") engine.scheduler.cancel(gone.id);
    });
    const stays = await engine.ask({ ...request, adapter: "style", tenant: "stays" });
    assert.equal(stays.usage?.completionTokens, 300);
    const next = await engine.ask({ ...request, maxTokens: 5, adapter: "tone", tenant: "next" });
    assert.equal(next.usage?.completionTokens, 5);
  });

  test("have no context of their own: one of three takes as much memory as one of none", async () => {
    const plain = await TestEngine.load(folder.file("model.gguf"), SETTINGS);
    assert.equal(plain.context.memoryBytes.ram, engine.context.memoryBytes.ram);
    plain.loaded.unload();
  });

  test("are refused by name where the engine has none of it", async () => {
    const { error } = await engine.ask({ adapter: "voice" });
    assert.match(error?.message ?? "", /engine failed/);
  });
});
