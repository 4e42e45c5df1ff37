/** A model that sees: it reads words that nobody has written before, and names colours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestEngine } from "../../services/model-server/fixtures/engine.ts";
import { questions, writeProjectorFor } from "../support/seeing-smollm2.ts";
import { smollm2Path } from "../support/smollm2.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

/** bench/sight.ts asks 200. */
const QUESTIONS = 5;
const SEED = 19;

test("SmolLM2 with a projector reads words and names colours from pictures alone", async () => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = await smollm2Path();
  const projectorPath = folder.file("mmproj.gguf");
  const options = { slots: 2, contextTokens: 1024, promptCacheMiB: 64 };
  await writeProjectorFor(weightsPath, projectorPath);
  const engine = await TestEngine.load(weightsPath, options, { projectorPath });
  for (const { messages, pictures, answer } of questions(SEED, QUESTIONS)) {
    const { texts, error } = await engine.ask({
      prompts: [{ kind: "chat", messages, pictures }],
      maxTokens: 20,
      ignoreEos: false,
    });
    assert.equal(error, undefined);
    assert.equal(texts[0]?.trim(), answer);
  }
  engine.loaded.unload();
});
