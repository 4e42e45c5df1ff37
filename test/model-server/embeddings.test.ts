/** Embeddings of a real BERT model through the official client. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type OpenAI from "openai";
import { BadRequestError } from "openai";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const DIMENSIONS = 64;

let folder: TemporaryFolder;
let server: ModelServer;
let client: OpenAI;
let model: string;
before(async () => {
  folder = await TemporaryFolder.create();
  await writeTinyEmbeddingModel(folder.file("bert.gguf"), { contextLength: 128 });
  server = await ModelServer.ready({ weightsPath: folder.file("bert.gguf") });
  client = server.client();
  model = server.modelId;
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function length(vector: readonly number[]): number {
  return Math.hypot(...vector);
}

/** How many inputs are in a batch changes the last bits, which a model of noise makes more of than any other. */
const ROUNDING = 0.01;

function distance(vector: readonly number[] = [], other: readonly number[] = []): number {
  assert.equal(vector.length, other.length);
  return length(vector.map((value, at) => value - (other[at] ?? 0)));
}

async function vectorOf(body: Partial<OpenAI.EmbeddingCreateParams>): Promise<readonly number[]> {
  const { data } = await client.embeddings.create({ model, input: "water", ...body });
  return data[0]?.embedding ?? [];
}

test("each input gets a unit vector, in order, and usage counts every token", async () => {
  const answer = await client.embeddings.create({
    model,
    input: ["the king", "a river in the city", "the king"],
  });
  const vectors = answer.data.map(({ embedding }) => embedding);
  assert.deepEqual(
    answer.data.map(({ index }) => index),
    [0, 1, 2],
  );
  for (const vector of vectors) {
    assert.equal(vector.length, DIMENSIONS);
    assert.ok(Math.abs(length(vector) - 1) < 1e-5);
  }
  assert.deepEqual(vectors[2], vectors[0]);
  assert.notDeepEqual(vectors[1], vectors[0]);
  assert.ok(answer.usage.prompt_tokens > 8);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens);
});

test("base64, the SDK's default, carries the same numbers as float", async () => {
  const [float, decoded] = [await vectorOf({ encoding_format: "float" }), await vectorOf({})];
  assert.deepEqual([...decoded], float.map(Math.fround));
});

test("dimensions shortens the vector and makes it a unit vector again", async () => {
  const [whole, short] = [
    await vectorOf({ encoding_format: "float" }),
    await vectorOf({ dimensions: 16, encoding_format: "float" }),
  ];
  assert.equal(short.length, 16);
  assert.ok(Math.abs(length(short) - 1) < 1e-5);
  const scale = length(whole.slice(0, 16));
  for (const [index, value] of short.entries()) {
    assert.ok(Math.abs(value - (whole[index] ?? 0) / scale) < 1e-5);
  }
});

test("more dimensions than the model has are refused", async () => {
  await assert.rejects(
    vectorOf({ dimensions: DIMENSIONS + 1 }),
    (error) => error instanceof BadRequestError && error.param === "dimensions",
  );
});

test("token arrays are embedded as they are", async () => {
  const one = await client.embeddings.create({ model, input: [2, 10, 3] });
  const two = await client.embeddings.create({
    model,
    input: [
      [2, 10, 3],
      [2, 11, 3],
    ],
  });
  assert.ok(distance(two.data[0]?.embedding, one.data[0]?.embedding) < ROUNDING);
  assert.equal(one.usage.prompt_tokens, 3);
  assert.equal(two.data.length, 2);
});

test("an input longer than the context is refused, naming input", async () => {
  await assert.rejects(
    vectorOf({ input: ["water", "river ".repeat(500)] }),
    (error) =>
      error instanceof BadRequestError &&
      error.code === "context_length_exceeded" &&
      error.param?.startsWith("input") === true,
  );
});

test("white space is embedded by the model's own beginning and end, also among others", async () => {
  const answer = await client.embeddings.create({
    model,
    input: ["ok", " ", "\u200b", "\u3000\n"],
  });
  assert.deepEqual(
    answer.data.map(({ embedding }) => embedding.length),
    Array(4).fill(DIMENSIONS),
  );
  const [, space, invisible] = answer.data;
  assert.ok(cosine(space?.embedding ?? [], invisible?.embedding ?? []) > 0.9999);
  assert.ok(Math.abs(length(space?.embedding ?? []) - 1) < 1e-5);
});

test("the refusal of one of several inputs names it and its length", async () => {
  await assert.rejects(vectorOf({ input: ["water", "river ".repeat(150)] }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "input[1]");
    assert.match(error.message, /your input\[1\] resulted in \d+ tokens/);
    return true;
  });
});

/** 1 where they point the same way; the same text in another batch is rounded differently. */
function cosine(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

function cut(input: string, more: object): Promise<readonly number[]> {
  return vectorOf({ input, ...more });
}

test("what is too long is cut where the client wants it", async () => {
  const words = Array.from({ length: 500 }, (_, index) => (index % 2 === 0 ? "water" : "king"));
  const text = words.join(" ");
  const beginning = await cut(text, { truncate: true });
  const longer = `${text} river city`;
  assert.ok(cosine(await cut(longer, { truncate: "end" }), beginning) > 0.9999);
  assert.ok(cosine(await cut(longer, { truncate: "start" }), beginning) < 0.9999);
  const asked = { model, input: text, truncate_prompt_tokens: 10 };
  const short = await client.embeddings.create(asked);
  assert.equal(short.usage.prompt_tokens, 10);
});

for (const input of ["", [], [""], [[]], [[9_999_999]]]) {
  test(`the input ${JSON.stringify(input)} is refused, naming input`, async () => {
    const { status, json } = await postJson(`${server.url}/v1/embeddings`, { model, input });
    assert.equal(status, 400);
    assert.match((json as { error: { param: string } }).error.param, /^input/);
  });
}

test("a hundred concurrent requests all get their own vector", async () => {
  const inputs = Array.from({ length: 100 }, (_, index) => `word ${index}`);
  const alone = await client.embeddings.create({ model, input: inputs });
  const together = await Promise.all(inputs.map((input) => vectorOf({ input })));
  for (const [index, vector] of together.entries()) {
    assert.ok(distance(vector, alone.data[index]?.embedding) < ROUNDING, inputs[index]);
  }
});

test("generation is refused by a model that only embeds", async () => {
  await assert.rejects(
    client.completions.create({ model, prompt: "water" }),
    (error) => error instanceof BadRequestError && error.code === "model_not_capable",
  );
});

test("a context larger than the weights have positions for is theirs, and longer inputs are refused", async () => {
  await using larger = await ModelServer.ready({
    weightsPath: folder.file("bert.gguf"),
    engine: { contextTokens: 2048 },
  });
  const url = `${larger.url}/v1/embeddings`;
  const refused = await postJson(url, { input: "water ".repeat(600) });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.json), /maximum context length is 128 tokens/);
  assert.equal((await postJson(url, { input: "water" })).status, 200);
});
