/**
 * The Vercel AI SDK, unmodified, through the API service to a model that sees: in each of its forms a picture is the picture
 * of a chat.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, streamText, tool, type UserContent } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { ApiProcess } from "../support/api-process.ts";
import { pngOf } from "../support/glyph-files.ts";
import { ModelServer } from "../support/model-server.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const TOKENS = 12;
const QUESTION = "Spell it.";
const settings = { maxOutputTokens: TOKENS, temperature: 0, maxRetries: 0 };

type Part = Exclude<UserContent, string>[number];
type Answer = { readonly text: string; readonly promptTokens: number | undefined };

const asked = (picture: Part) => [
  { role: "user" as const, content: [picture, { type: "text" as const, text: QUESTION }] },
];

suite("the AI SDK", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let api: ApiProcess;
  let png: Buffer;
  let expected: Answer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      modelId: "m",
      engine: { slots: 2, contextTokens: 2048 },
    });
    api = await ApiProcess.start({ models: [{ id: "m", endpoints: [server.url] }] });
    png = await pngOf("HELLO");
    await asOpenAi();
    // From here on its beginning is kept, and every answer is computed in the same steps.
    expected = await asOpenAi();
    assert.notEqual(expected.text, "");
  });
  after(async () => {
    await api.stop();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const model = () =>
    createOpenAICompatible({ name: "local", baseURL: `${api.url}/v1`, includeUsage: true })("m");
  const dataUrl = () => `data:image/png;base64,${png.toString("base64")}`;

  async function asOpenAi(): Promise<Answer> {
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "any", maxRetries: 0 });
    const { choices, usage } = await client.chat.completions.create({
      model: "m",
      max_tokens: TOKENS,
      temperature: 0,
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: dataUrl() } },
            { type: "text", text: QUESTION },
          ],
        },
      ],
    });
    return { text: choices[0]?.message.content ?? "", promptTokens: usage?.prompt_tokens };
  }

  const forms: Readonly<Record<string, () => Part>> = {
    "the bytes of an image": () => ({ type: "image", image: new Uint8Array(png) }),
    "an image in base64": () => ({ type: "image", image: png.toString("base64") }),
    "a data URL": () => ({ type: "image", image: new URL(dataUrl()) }),
    "a file of an image": () => ({ type: "file", data: png, mediaType: "image/png" }),
    "a file of some image": () => ({ type: "file", data: png, mediaType: "image/*" }),
  };
  for (const [name, picture] of Object.entries(forms)) {
    test(`shows ${name}`, async () => {
      const { text, usage } = await generateText({
        ...settings,
        model: model(),
        messages: asked(picture()),
      });
      assert.deepEqual({ text, promptTokens: usage.inputTokens }, expected);
    });
  }

  test("streams what is said of a picture, with its tokens counted", async () => {
    const picture = { type: "image", image: new Uint8Array(png) } as const;
    const answer = streamText({ ...settings, model: model(), messages: asked(picture) });
    const pieces: string[] = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    assert.ok(pieces.length > 1);
    const { inputTokens: promptTokens } = await answer.usage;
    assert.deepEqual({ text: pieces.join(""), promptTokens }, expected);
  });

  test("calls a tool about a picture, and answers in a form", async () => {
    const picture = { type: "image", image: new Uint8Array(png) } as const;
    const spelled = tool({
      inputSchema: z.object({ vowel: z.enum(["A", "E"]) }),
      execute: ({ vowel }) => vowel,
    });
    const { toolCalls } = await generateText({
      ...settings,
      maxOutputTokens: 60,
      model: model(),
      messages: asked(picture),
      tools: { spelled },
      toolChoice: "required",
    });
    assert.deepEqual(
      toolCalls.map(({ toolName }) => toolName),
      ["spelled"],
    );
    const { output } = await generateText({
      ...settings,
      maxOutputTokens: 60,
      model: createOpenAICompatible({
        name: "local",
        baseURL: `${api.url}/v1`,
        supportsStructuredOutputs: true,
      })("m"),
      messages: asked(picture),
      output: Output.object({ schema: z.object({ letters: z.enum(["few", "many"]) }) }),
    });
    assert.ok(["few", "many"].includes(output.letters));
  });
});
