/** A model that sees: it reads words that nobody has written before, and names colours. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TestEngine } from "../../services/model-server/fixtures/engine.ts";
import { type Question, questions, writeProjectorFor } from "../support/seeing-smollm2.ts";
import { smollm2Path } from "../support/smollm2.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

/** bench/sight.ts asks 200. */
const QUESTIONS = 5;
const AT_ONCE = 8;
const STREAMS = 2;
const SEED = 19;

suite("SmolLM2 with a projector", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let engine: TestEngine;

  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = await smollm2Path();
    const projectorPath = folder.file("mmproj.gguf");
    const options = { slots: 4, contextTokens: 1024, promptCacheMiB: 64 };
    await writeProjectorFor(weightsPath, projectorPath);
    engine = await TestEngine.load(weightsPath, options, { projectorPath });
  });
  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  async function read({ messages, pictures }: Question): Promise<string | undefined> {
    const { texts, error } = await engine.ask({
      prompts: [{ kind: "chat", messages, pictures }],
      maxTokens: 20,
      ignoreEos: false,
    });
    assert.equal(error, undefined);
    return texts[0]?.trim();
  }

  test("reads words and names colours from pictures alone", async () => {
    for (const question of questions(SEED, QUESTIONS)) {
      assert.equal(await read(question), question.answer);
    }
  });

  test("reads as well when it is asked of many at once, beside streams of text", async () => {
    const streams = Array.from({ length: STREAMS }, (_, index) =>
      engine.ask({ text: `Story ${index}: once upon a time`, maxTokens: 60 }),
    );
    const asked = questions(SEED + 1, AT_ONCE);
    const answers = await Promise.all(asked.map(read));
    assert.deepEqual(
      answers,
      asked.map(({ answer }) => answer),
    );
    for (const { error } of await Promise.all(streams)) assert.equal(error, undefined);
  });
});
