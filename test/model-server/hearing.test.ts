/** A model that hears, asked by OpenAI's client: what it counts, keeps, streams and refuses. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { BadRequestError, type OpenAI } from "openai";
import { readEmbeddingRows } from "../support/embedding-rows.ts";
import { ROWS, STRETCH_SECONDS, writeHearingProjector } from "../support/hearing-projectors.ts";
import { ModelServer } from "../support/model-server.ts";
import { mp3Of, tone, wavOf } from "../support/sounds.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

type Content = OpenAI.ChatCompletionContentPart;

const model = "test-model";
const RATE = 44_100;
const question: Content = { type: "text", text: "What is that?" };

const audio = (file: Buffer, format: "wav" | "mp3" = "wav"): Content => ({
  type: "input_audio",
  input_audio: { data: file.toString("base64"), format },
});
const tonal = (hertz: number): Content => audio(wavOf(tone(hertz, 1, RATE), RATE));

suite("a model that hears", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    await writeHearingProjector(projectorPath, (await readEmbeddingRows(weightsPath)).dimensions);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      engine: { slots: 2, contextTokens: 1024 },
      sampling: { temperature: 0 },
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function ask(content: readonly Content[], more: object = {}) {
    const { choices, usage } = await server.client().chat.completions.create({
      model,
      max_completion_tokens: 12,
      messages: [{ role: "user", content: [...content] }],
      ...more,
    });
    return { texts: choices.map(({ message }) => message.content), usage };
  }

  /** A sound in each turn. */
  function talk(said: readonly Content[]) {
    const messages = said.flatMap((sound) => [
      { role: "user", content: [sound, question] },
      { role: "assistant", content: "." },
    ]);
    return ask([], { messages });
  }

  test("says so in its list of models", async () => {
    const listed = (await server.client().models.retrieve(model)) as OpenAI.Model & {
      readonly capabilities?: readonly string[];
    };
    assert.ok(listed.capabilities?.includes("audio"));
    assert.equal(listed.capabilities?.includes("vision"), false);
  });

  test("answers the same to the same sound, keeps it, and counts its tokens apart", async () => {
    const first = await ask([tonal(300), question]);
    const again = await ask([tonal(300), question]);
    assert.deepEqual(again.texts, first.texts);
    assert.equal(first.usage?.prompt_tokens_details?.audio_tokens, ROWS);
    assert.ok((first.usage.prompt_tokens ?? 0) > ROWS);
    assert.ok((again.usage?.prompt_tokens_details?.cached_tokens ?? 0) > ROWS);
    const others = await Promise.all(
      [900, 3000, 7000].map((hertz) => ask([tonal(hertz), question])),
    );
    assert.ok(others.some(({ texts }) => texts[0] !== first.texts[0]));
  });

  test("hears many sounds of both formats over many turns, each in its place", async () => {
    const sounds = [tonal(200), audio(mp3Of(40, 1), "mp3"), tonal(900), audio(mp3Of(40, 2), "mp3")];
    const inOrder = await talk(sounds);
    assert.equal(inOrder.usage?.prompt_tokens_details?.audio_tokens, sounds.length * ROWS);
    const swapped = await talk(sounds.toReversed());
    assert.equal(swapped.usage?.prompt_tokens, inOrder.usage.prompt_tokens);
    const again = await talk(sounds);
    assert.deepEqual(again.texts, inOrder.texts);
  });

  test("says several things to one sound, held to a schema, and streams", async () => {
    const format = {
      response_format: {
        type: "json_schema",
        json_schema: { name: "heard", schema: { enum: ["high", "low"] }, strict: true },
      },
    };
    const { texts, usage } = await ask([tonal(300), question], { n: 2, ...format });
    assert.ok(texts.length === 2 && texts.every((text) => /^"(high|low)"$/.test(text ?? "")));
    assert.equal(usage?.prompt_tokens_details?.audio_tokens, ROWS);
    const stream = await server.client().chat.completions.create({
      model,
      max_completion_tokens: 4,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: "user", content: [tonal(300), question] }],
    });
    let counted: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) counted = chunk.usage ?? counted;
    assert.equal(counted?.prompt_tokens_details?.audio_tokens, ROWS);
  });

  const wav = wavOf(tone(300, 1, RATE), RATE);
  const wrong: [name: string, file: Buffer, code: string][] = [
    ["no audio", Buffer.from("%PDF-1.7"), "invalid_audio_format"],
    ["cut off", wav.subarray(0, 1000), "audio_parse_error"],
    ["empty", Buffer.alloc(0), "empty_audio_file"],
    ["too short", wavOf(tone(300, 0.01, RATE), RATE), "audio_too_short"],
    ["longer than there is room for", wavOf(new Float32Array(8000 * 601), 8000), "audio_too_large"],
  ];
  for (const [name, file, code] of wrong) {
    test(`refuses a file that is ${name} by its place, and hears the next`, async () => {
      await assert.rejects(ask([question, audio(file)]), (error: unknown) => {
        assert.ok(error instanceof BadRequestError);
        assert.deepEqual([error.param, error.code], ["messages[0].content[1]", code]);
        return true;
      });
      assert.equal((await ask([tonal(300), question])).texts.length, 1);
    });
  }

  test("refuses an image by its place, since it only hears", async () => {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    await assert.rejects(
      ask([question, { type: "image_url", image_url: { url } }]),
      (error: unknown) => {
        assert.ok(error instanceof BadRequestError);
        assert.equal(error.param, "messages[0].content[1]");
        assert.equal(error.code, "model_not_multimodal");
        return true;
      },
    );
  });

  test("refuses sounds that do not fit into its context, before it hears them", async () => {
    const long = audio(wavOf(tone(300, 3 * STRETCH_SECONDS, 8000), 8000));
    await assert.rejects(ask([long, long, question]), { code: "context_length_exceeded" });
  });
});

test("a model that reads text only refuses audio by its place, and says how to find one that hears", async () => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath);
  await using server = await ModelServer.ready({ weightsPath });
  const asked = server.client().chat.completions.create({
    model,
    messages: [{ role: "user", content: [question, tonal(300)] }],
  });
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof BadRequestError);
    assert.deepEqual([error.param, error.code], ["messages[0].content[1]", "model_not_multimodal"]);
    assert.match(error.message, /audio.*does not hear.*"audio" among their capabilities/);
    return true;
  });
});
