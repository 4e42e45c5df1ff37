/** What a reader of the log is shown, on real llama.cpp: the tokens that are evaluated, as text. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { TestEngine } from "../../fixtures/engine.ts";

suite("a reported prompt", { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create();
    const path = folder.file("tiny.gguf");
    await writeTinyChatModel(path, { contextLength: 512 });
    engine = await TestEngine.load(path, { slots: 2, contextTokens: 512 });
  });

  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  async function reported(request: Partial<GenerateRequest> & { text?: string }) {
    const { events } = await engine.ask({ maxTokens: 1, ...request });
    const [accepted] = events;
    assert.equal(accepted?.type, "accepted");
    return accepted.type === "accepted" ? accepted.prompts : undefined;
  }

  test("is not told to those who did not ask", async () => {
    assert.equal(await reported({}), undefined);
  });

  test("of a chat has its template and its control tokens around the message", async () => {
    const [prompt = ""] =
      (await reported({
        reportsPrompts: true,
        prompts: [{ kind: "chat", messages: [{ role: "user", content: "héllo 🙂" }] }],
      })) ?? [];
    assert.match(prompt, /<\|im_start\|>user\nhéllo 🙂<\|im_end\|>\n<\|im_start\|>assistant\n$/);
  });

  test("comes once for each prompt", async () => {
    const prompts = ["one", "two"].map((text) => ({ kind: "text" as const, text }));
    const texts = (await reported({ reportsPrompts: true, prompts, choicesPerPrompt: 2 })) ?? [];
    assert.deepEqual(
      texts.map((text) => text.slice(-3)),
      ["one", "two"],
    );
  });
});
