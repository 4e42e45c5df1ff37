/** One picture and one question from every kind of client: a model that sees says the same to all of them. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import { pngOf } from "../support/glyph-files.ts";
import { GRID } from "../support/glyphs.ts";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const model = "test-model";
const TOKENS = 12;
const QUESTION = "Spell it.";
const PICTURE_TOKENS = GRID ** 2;

type Answer = { readonly text: string; readonly promptTokens: number };

suite("a picture", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let base64: string;
  let expected: Answer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      engine: { slots: 2, contextTokens: 1024 },
      sampling: { temperature: 0 },
    });
    base64 = await png("HELLO");
    await chat(base64);
    // From here on its beginning is kept, and every answer is computed in the same steps.
    expected = await chat(base64);
    assert.ok(expected.promptTokens > PICTURE_TOKENS);
    assert.notEqual(expected.text, "");
    assert.notEqual((await chat(await png("WORLD"))).text, expected.text);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function chat(image: string): Promise<Answer> {
    const { choices, usage } = await server.client().chat.completions.create({
      model,
      max_completion_tokens: TOKENS,
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } },
            { type: "text", text: QUESTION },
          ],
        },
      ],
    });
    return { text: choices[0]?.message.content ?? "", promptTokens: usage?.prompt_tokens ?? 0 };
  }

  /** A picture in each turn. */
  async function talk(images: readonly string[]) {
    const { choices, usage } = await server.client().chat.completions.create({
      model,
      max_completion_tokens: TOKENS,
      messages: images.flatMap((image) => [
        {
          role: "user" as const,
          content: [
            { type: "image_url" as const, image_url: { url: `data:image/png;base64,${image}` } },
          ],
        },
        { role: "assistant" as const, content: "." },
      ]),
    });
    return { text: choices[0]?.message.content, usage };
  }

  test("in a response is the picture of a chat", async () => {
    const { output_text: text, usage } = await server.client().responses.create({
      model,
      max_output_tokens: TOKENS,
      input: [
        {
          role: "user",
          content: [
            {
              type: "input_image",
              image_url: `data:image/png;base64,${base64}`,
              detail: "auto",
            },
            { type: "input_text", text: QUESTION },
          ],
        },
      ],
    });
    assert.deepEqual({ text, promptTokens: usage?.input_tokens }, expected);
  });

  test("from Anthropic's client is the picture of a chat", async () => {
    const client = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
    const { content, usage } = await client.messages.create({
      model,
      max_tokens: TOKENS,
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } },
            { type: "text", text: QUESTION },
          ],
        },
      ],
    });
    const text = content.map((block) => (block.type === "text" ? block.text : "")).join("");
    const promptTokens = usage.input_tokens + (usage.cache_read_input_tokens ?? 0);
    assert.deepEqual({ text, promptTokens }, expected);
  });

  test("from Ollama's client is one, before what is said", async () => {
    const client = new Ollama({ host: server.url });
    const answer = await client.chat({
      model,
      messages: [{ role: "user", content: QUESTION, images: [base64] }],
      options: { num_predict: TOKENS },
    });
    const { message, prompt_eval_count: promptTokens } = answer;
    assert.deepEqual({ text: message.content, promptTokens }, expected);
  });

  /** As Open WebUI sends it: the text first, a stream, and settings of its own. */
  test("from a web page is streamed an answer, with its tokens counted", async () => {
    const answer = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        stream: true,
        model,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: QUESTION },
              { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } },
            ],
          },
        ],
        max_tokens: TOKENS,
        stream_options: { include_usage: true },
      }),
    });
    assert.equal(answer.status, 200);
    const frames = (await answer.text()).split("\n\n").filter((frame) => frame !== "");
    assert.equal(frames.at(-1), "data: [DONE]");
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame.slice("data: ".length)));
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    assert.notEqual(text, "");
    assert.equal(chunks.at(-1).usage.prompt_tokens, expected.promptTokens);
  });

  async function read(path: string, body: object): Promise<Record<string, unknown>> {
    return (await postJson(`${server.url}${path}`, body)).json as Record<string, unknown>;
  }

  test("is counted as it is evaluated, and its tokens can be read as text", async () => {
    const url = `data:image/png;base64,${base64}`;
    const content = [
      { type: "image_url", image_url: { url } },
      { type: "text", text: QUESTION },
    ];
    const { tokens } = await read("/tokenize", { messages: [{ role: "user", content }] });
    assert.ok(Array.isArray(tokens));
    assert.equal(tokens.length, expected.promptTokens);
    const others = tokens.filter((token) => token !== -1);
    assert.equal(tokens.length - others.length, PICTURE_TOKENS);
    assert.ok(others.every((token) => token >= 0));
    const { content: text } = await read("/detokenize", { tokens });
    assert.match(String(text), /user\nSpell it\./);
    assert.equal((await read("/detokenize", { tokens: others }))["content"], text);
  });

  test("and many more, over many turns, are seen each in its place", async () => {
    const words = ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN"];
    const pngs = await Promise.all(words.map(png));
    const inOrder = await talk(pngs);
    assert.ok((inOrder.usage?.prompt_tokens ?? 0) > words.length * PICTURE_TOKENS);
    const swapped = await talk([...pngs.slice(0, 8), ...pngs.slice(8).toReversed()]);
    assert.notEqual(swapped.text, inOrder.text);
    assert.equal(swapped.usage?.prompt_tokens, inOrder.usage?.prompt_tokens);
    const again = await talk(pngs);
    assert.equal(again.text, inOrder.text);
  });
});

async function png(word: string): Promise<string> {
  return (await pngOf(word)).toString("base64");
}
