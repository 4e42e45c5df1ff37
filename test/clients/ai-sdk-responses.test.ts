/**
 * The Vercel AI SDK's own provider for OpenAI, unmodified, through the API service to a real server: it speaks Responses, and
 * names what the model said before by the ids of its items.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, type ModelMessage, streamText, tool } from "ai";
import { z } from "zod";
import { ApiProcess } from "../support/api-process.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const settings = { maxOutputTokens: 8, temperature: 0, maxRetries: 0 };
/** What was said is sent again. */
const WHOLE = { providerOptions: { openai: { store: false } } };
const QUESTION: ModelMessage = { role: "user", content: "Hello?" };
const NEXT: ModelMessage = { role: "user", content: "And?" };

suite("the AI SDK with Responses", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let api: ApiProcess;

  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = folder.file("tiny.gguf");
    await writeTinyChatModel(weightsPath);
    const engine = { slots: 2, contextTokens: 1024 };
    server = await ModelServer.ready({ weightsPath, modelId: "m", engine });
    api = await ApiProcess.start({ models: [{ id: "m", endpoints: [server.url] }] });
  });
  after(async () => {
    await api.stop();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Bodies, in the order in which they were sent. */
  const sent: string[] = [];
  const model = () =>
    createOpenAI({
      baseURL: `${api.url}/v1`,
      apiKey: "any",
      fetch: (url, init) => {
        sent.push(typeof init?.body === "string" ? init.body : "");
        return fetch(url, init);
      },
    })("m");
  const namesItems = () => sent.at(-1)?.includes('"item_reference"');

  test("goes on with an answer that it names", async () => {
    const asked = { ...settings, model: model() };
    const first = await generateText({ ...asked, messages: [QUESTION] });
    const messages = [QUESTION, ...first.responseMessages, NEXT];
    const second = await generateText({ ...asked, messages });
    assert.equal(namesItems(), true);
    const whole = await generateText({ ...asked, ...WHOLE, messages });
    assert.equal(namesItems(), false);
    assert.equal(second.usage.inputTokens, whole.usage.inputTokens);
    const third = [...messages, ...second.responseMessages, NEXT];
    const { usage } = await generateText({ ...asked, messages: third });
    assert.ok((usage.inputTokens ?? 0) > (second.usage.inputTokens ?? 0));
  });

  test("streams what goes on with an answer that it names", async () => {
    const asked = { ...settings, model: model() };
    const first = streamText({ ...asked, messages: [QUESTION] });
    const messages = [QUESTION, ...(await first.responseMessages), NEXT];
    const second = streamText({ ...asked, messages });
    assert.ok((await Array.fromAsync(second.textStream)).length > 0);
    assert.equal(namesItems(), true);
    const whole = await generateText({ ...asked, ...WHOLE, messages });
    assert.equal((await second.usage).inputTokens, whole.usage.inputTokens);
  });

  const vowel = tool({
    inputSchema: z.object({ vowel: z.enum(["A", "E"]) }),
    execute: (input) => `${input.vowel} it is`,
  });
  const calling = () => ({
    ...settings,
    maxOutputTokens: 80,
    model: model(),
    tools: { vowel },
    stopWhen: isStepCount(2),
    prepareStep: ({ stepNumber }: { readonly stepNumber: number }) => ({
      toolChoice: stepNumber === 0 ? ("required" as const) : ("none" as const),
    }),
  });

  test("calls a tool, and goes on with its result and with what was said of it", async () => {
    const first = await generateText({ ...calling(), messages: [QUESTION] });
    assert.deepEqual(
      first.steps.map(({ toolResults }) => toolResults.length),
      [1, 0],
    );
    const messages = [QUESTION, ...first.responseMessages, NEXT];
    const second = await generateText({ ...calling(), messages });
    assert.equal(namesItems(), true);
    assert.equal(second.steps.length, 2);
  });

  test("calls a tool in a stream, and goes on with its result", async () => {
    const first = streamText({ ...calling(), messages: [QUESTION] });
    const messages = [QUESTION, ...(await first.responseMessages), NEXT];
    const second = streamText({ ...calling(), messages });
    const steps = await second.steps;
    assert.equal(namesItems(), true);
    assert.deepEqual(
      steps.map(({ toolResults }) => toolResults.length),
      [1, 0],
    );
  });
});
