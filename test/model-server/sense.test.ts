/** What a real model answers through the official client: sense, and the same sense every way of asking. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { smollm2Path } from "../support/smollm2.ts";

const QUESTION = [
  { role: "system", content: "You are a helpful assistant." },
  { role: "user", content: "What is the capital of France?" },
] as const;

let server: ModelServer;
let client: OpenAI;
let model: string;
before(async () => {
  server = await ModelServer.ready({
    weightsPath: await smollm2Path(),
    modelId: "org/smollm2:135m",
    aliases: ["smollm2"],
    engine: { threads: 2, slots: 4, contextTokens: 1024 },
  });
  client = server.client({ maxRetries: 2 });
  model = server.modelId;
});
after(() => server[Symbol.asyncDispose]());

async function chatText(body: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) {
  const { choices } = await client.chat.completions.create({
    model,
    messages: [...QUESTION],
    max_tokens: 24,
    ...body,
  });
  return choices[0]?.message.content;
}

async function streamedText(body: Partial<OpenAI.ChatCompletionCreateParamsStreaming>) {
  const stream = await client.chat.completions.create({
    model,
    messages: [...QUESTION],
    max_tokens: 24,
    ...body,
    stream: true,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

test("the capital of France is Paris, in a chat", async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: [...QUESTION],
    temperature: 0,
    max_tokens: 64,
  });
  assert.match(answer.choices[0]?.message.content ?? "", /Paris/);
  assert.equal(answer.choices[0]?.finish_reason, "stop");
  assert.equal(answer.choices[0]?.message.role, "assistant");
  assert.equal(answer.model, model);
  assert.ok((answer.usage?.prompt_tokens ?? 0) > 10);
  assert.ok((answer.usage?.completion_tokens ?? 0) > 3);
});

test("the capital of France is Paris, as a completion", async () => {
  const answer = await client.completions.create({
    model,
    prompt: "The capital of France is",
    temperature: 0,
    max_tokens: 8,
  });
  assert.match(answer.choices[0]?.text ?? "", /Paris/);
});

for (const body of [{ temperature: 0 }, { temperature: 0.9, seed: 11 }]) {
  test(`streaming gives the same text as one answer at ${JSON.stringify(body)}`, async () => {
    const [whole, streamed] = [await chatText(body), await streamedText(body)];
    assert.ok(whole !== undefined && whole !== null && whole.length > 10);
    assert.equal(streamed, whole);
  });
}

test("a seed repeats its answer, another seed and no seed do not", async () => {
  const hot = { temperature: 1.5, max_tokens: 32 };
  const first = await chatText({ ...hot, seed: 1 });
  assert.equal(await chatText({ ...hot, seed: 1 }), first);
  assert.notEqual(await chatText({ ...hot, seed: 2 }), first);
  const [one, other] = await Promise.all([chatText(hot), chatText(hot)]);
  assert.notEqual(one, other);
});

test("a greedy answer does not depend on who else is served", async () => {
  const alone = await chatText({ temperature: 0 });
  const others = ["Tell me a story.", "Write a poem.", "Count to ten."].map((content) =>
    chatText({ messages: [{ role: "user", content }], max_tokens: 40, temperature: 1 }),
  );
  assert.equal(await chatText({ temperature: 0 }), alone);
  await Promise.all(others);
});

function sixChoices() {
  return client.chat.completions.create({
    model,
    messages: [...QUESTION],
    n: 6, // more than there are slots
    seed: 5,
    temperature: 1.2,
    max_tokens: 16,
  });
}

test("n choices of one prompt differ, and repeat with their seed", async () => {
  const first = await sixChoices();
  const texts = first.choices.map(({ message }) => message.content);
  assert.deepEqual(
    first.choices.map(({ index }) => index),
    [0, 1, 2, 3, 4, 5],
  );
  assert.ok(new Set(texts).size > 3, texts.join(" | "));
  assert.deepEqual(
    (await sixChoices()).choices.map(({ message }) => message.content),
    texts,
  );
});

test("a stop string ends the answer and is no part of it, streamed or not", async () => {
  const body = { temperature: 0, stop: [" capital of"] };
  const whole = await chatText(body);
  assert.equal(whole, "The");
  assert.equal(await streamedText(body), whole);
});

test("logprobs are those of the tokens sent, best first", async () => {
  const { choices } = await client.chat.completions.create({
    model,
    messages: [...QUESTION],
    temperature: 0,
    max_tokens: 8,
    logprobs: true,
    top_logprobs: 5,
  });
  const content = choices[0]?.logprobs?.content ?? [];
  assert.equal(content.map(({ token }) => token).join(""), choices[0]?.message.content);
  for (const { token, logprob, bytes, top_logprobs: top } of content) {
    assert.equal(top.length, 5);
    assert.deepEqual([top[0]?.token, top[0]?.logprob], [token, logprob], "greedy takes the best");
    assert.deepEqual(bytes, [...Buffer.from(token, "utf8")]);
    assert.ok(logprob <= 0 && top.every((entry) => entry.logprob <= logprob));
  }
});

async function logprobOfParis(temperature: number): Promise<number> {
  const { choices } = await client.completions.create({
    model,
    prompt: "The capital of France is",
    temperature,
    max_tokens: 1,
    logprobs: 5,
  });
  return choices[0]?.logprobs?.top_logprobs?.[0]?.[" Paris"] ?? Number.NaN;
}

test("logprobs are of the model's raw distribution, whatever the temperature", async () => {
  assert.ok(Math.abs((await logprobOfParis(0)) - (await logprobOfParis(2))) < 0.01);
});

async function scoreOf(city: string): Promise<number> {
  const { choices } = await client.completions.create({
    model,
    prompt: `The capital of France is ${city}`,
    max_tokens: 0,
    echo: true,
    logprobs: 1,
  });
  const { tokens, token_logprobs: logprobs } = choices[0]?.logprobs ?? {};
  assert.equal(choices[0]?.text, `The capital of France is ${city}`);
  assert.equal(tokens?.join(""), choices[0]?.text);
  assert.equal(logprobs?.[0], null);
  return logprobs?.at(-1) ?? Number.NaN;
}

test("echo with max_tokens 0 scores a prompt, and finds the true city likelier", async () => {
  assert.ok((await scoreOf("Paris")) > (await scoreOf("Rome")) + 0.5);
});

test("a second turn reuses what the first has evaluated", async () => {
  const opening = { role: "user", content: "Remember the word tomato. ".repeat(12) } as const;
  const first = await client.chat.completions.create({
    model,
    messages: [opening],
    temperature: 0,
    max_tokens: 16,
  });
  const second = await client.chat.completions.create({
    model,
    messages: [
      opening,
      { role: "assistant", content: first.choices[0]?.message.content ?? "" },
      { role: "user", content: "Which word?" },
    ],
    temperature: 0,
    max_tokens: 4,
  });
  const cached = second.usage?.prompt_tokens_details?.cached_tokens ?? 0;
  assert.ok(cached >= (first.usage?.prompt_tokens ?? Infinity) - 8, `only ${cached} were cached`);
  assert.ok(cached < (second.usage?.prompt_tokens ?? 0));
});

test("the model is listed, and found by id and alias", async () => {
  const models = (await client.models.list()).data;
  assert.ok(models.some(({ id }) => id === model));
  assert.equal((await client.models.retrieve(model)).object, "model");
  assert.match((await chatText({ model: "smollm2", temperature: 0 })) ?? "", /Paris/);
});
