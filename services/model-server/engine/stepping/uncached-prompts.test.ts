/** Requests that want nothing of what was evaluated before, on real llama.cpp. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";

const LONG = "the quick brown fox jumps over the lazy dog ".repeat(10);

test("a prompt whose cache is not to be used is evaluated whole, once for all of its choices, and kept", async () => {
  await using folder = await TemporaryFolder.create();
  const weights = folder.file("tiny.gguf");
  await writeTinyChatModel(weights, { contextLength: 1024 });
  const engine = await TestEngine.load(weights, { contextTokens: 512, slots: 3 });
  const request = { text: LONG, maxTokens: 8 };
  const first = await engine.ask(request);
  const whole = await engine.ask({ ...request, usesPromptCache: false, choicesPerPrompt: 2 });
  assert.equal(whole.usage?.cachedTokens, 0);
  assert.deepEqual(whole.texts, [first.texts[0], first.texts[0]]);
  const started = whole.events.flatMap((one) => (one.type === "started" ? one.cachedTokens : []));
  const all = (first.usage?.promptTokens ?? 0) - 1;
  assert.deepEqual(started, [0, all]);
  assert.equal((await engine.ask(request)).usage?.cachedTokens, all);
  engine.loaded.unload();
});
