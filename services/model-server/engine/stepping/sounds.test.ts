/** Chats with sounds on real llama.cpp: in the same slots and steps as text and pictures. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import type { ContentPart, Sound } from "@localmodel/inference/picture.ts";
import { readEmbeddingRows } from "../../../../test/support/embedding-rows.ts";
import { pictureOfColour } from "../../../../test/support/glyphs.ts";
import {
  ROWS,
  SAMPLE_RATE,
  STRETCH_SECONDS,
  writeHearingProjector,
} from "../../../../test/support/hearing-projectors.ts";
import { soundOf, tone } from "../../../../test/support/sounds.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { TestEngine } from "../../fixtures/engine.ts";

const CONTEXT_TOKENS = 512;

const heard = (hertz: number, seconds = 1): Sound =>
  soundOf(tone(hertz, seconds, SAMPLE_RATE), SAMPLE_RATE);

function asking(
  said: readonly (string | Sound)[],
  more: Partial<GenerateRequest> = {},
): Partial<GenerateRequest> {
  const sounds: Sound[] = [];
  const content = said.map((one): ContentPart => {
    if (typeof one === "string") return { type: "text", text: one };
    return { type: "audio", sound: sounds.push(one) - 1 };
  });
  const messages = [{ role: "user", content }];
  return { prompts: [{ kind: "chat", messages, sounds }], maxTokens: 12, ...more };
}

suite("a chat with sounds", { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    await writeHearingProjector(projectorPath, (await readEmbeddingRows(weightsPath)).dimensions);
    const options = { slots: 2, contextTokens: CONTEXT_TOKENS, promptCacheMiB: 64 };
    engine = await TestEngine.load(weightsPath, options, { projectorPath });
  });

  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  async function answer(hertz: number, tenant: string): Promise<string | undefined> {
    const { texts, error } = await engine.ask(asking(["hear ", heard(hertz), "?"], { tenant }));
    assert.equal(error, undefined);
    return texts[0];
  }

  test("has the model's own capability and rate told", () => {
    const { capabilities, audioSampleRate } = engine.loaded.facts;
    assert.ok(capabilities.includes("audio"));
    assert.ok(!capabilities.includes("vision"));
    assert.equal(audioSampleRate, SAMPLE_RATE);
  });

  test("is answered otherwise to another sound, and the same to the same", async () => {
    const low = await answer(200, "low");
    assert.equal(await answer(200, "again"), low);
    const others = await Promise.all([answer(900, "a"), answer(3000, "b"), answer(7000, "c")]);
    assert.ok(others.some((other) => other !== low));
  });

  test("counts as many tokens as the projector makes of its length, apart from those of text", async () => {
    const short = await engine.ask(asking(["hear ", heard(200), "?"]));
    assert.equal(short.usage?.audioTokens, ROWS);
    const long = await engine.ask(asking(["hear ", heard(200, STRETCH_SECONDS + 1), "?"]));
    assert.equal(long.usage?.audioTokens, 2 * ROWS);
    assert.equal(long.usage?.promptTokens, (short.usage?.promptTokens ?? 0) + ROWS);
    const silent = await engine.ask(asking(["hear "]));
    assert.equal(silent.usage?.audioTokens, undefined);
  });

  test("evaluates what a conversation adds, and all from the first sound that differs", async () => {
    const [one, other] = [heard(200), heard(900)];
    const tenant = "turns";
    const first = await engine.ask(asking(["a ", one, "b"], { tenant, maxTokens: 1 }));
    const same = await engine.ask(asking(["a ", one, "b"], { tenant, maxTokens: 1 }));
    assert.equal(same.usage?.cachedTokens, (first.usage?.promptTokens ?? 0) - 1);
    const differs = await engine.ask(asking(["a ", other, "b"], { tenant, maxTokens: 1 }));
    assert.ok((differs.usage?.cachedTokens ?? 0) < (first.usage?.promptTokens ?? 0) - ROWS);
  });

  test("that does not fit is refused before any of it is heard", async () => {
    const tooLong = heard(100, 4 * STRETCH_SECONDS);
    const { error } = await engine.ask(asking(["hear ", tooLong, "?"]));
    assert.equal(error?.code, "context_length_exceeded");
  });

  test("is read along as what it is", async () => {
    const { events } = await engine.ask(
      asking(["a ", heard(200), "b"], { reportsPrompts: true, maxTokens: 1 }),
    );
    const accepted = events.find(({ type }) => type === "accepted");
    assert.ok(accepted?.type === "accepted");
    assert.match(accepted.prompts?.[0] ?? "", new RegExp(`a \\[audio 1: ${ROWS} tokens\\]b`));
    assert.equal(accepted.audioTokens, ROWS);
  });

  test("of another rate, or with a picture that the projector does not see, is refused by its place", async () => {
    const wrongRate = { ...heard(200), sampleRate: 8000 };
    const { error } = await engine.ask(asking(["a ", wrongRate]));
    assert.equal(error?.field, wrongRate.field);
    const picture = pictureOfColour("red");
    const content: ContentPart[] = [{ type: "image", picture: 0 }];
    const seen = await engine.ask({
      prompts: [{ kind: "chat", messages: [{ role: "user", content }], pictures: [picture] }],
    });
    assert.equal(seen.error?.code, "model_not_multimodal");
    assert.equal(seen.error.field, picture.field);
  });
});

test("sounds have places in a row where a model has places in a plane", async () => {
  await using folder = await TemporaryFolder.create();
  const [weightsPath, projectorPath] = [folder.file("planar.gguf"), folder.file("mmproj.gguf")];
  await writeTinyChatModel(weightsPath, { architecture: "qwen2vl" });
  await writeHearingProjector(projectorPath, (await readEmbeddingRows(weightsPath)).dimensions);
  const options = { slots: 2, contextTokens: CONTEXT_TOKENS };
  const engine = await TestEngine.load(weightsPath, options, { projectorPath });
  const said = ["a ", heard(200), "b ", heard(900), "c"];
  const alone = await engine.ask(asking(said, { tenant: "alone" }));
  assert.equal(alone.error, undefined);
  assert.equal(alone.usage?.audioTokens, 2 * ROWS);
  const kept = await engine.ask(asking(said, { tenant: "alone" }));
  assert.deepEqual(kept.texts, alone.texts);
  engine.loaded.unload();
});
