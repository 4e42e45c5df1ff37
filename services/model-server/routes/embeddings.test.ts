import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { BadRequestError } from "openai";
import { ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const model = "org/model:Q4";

test("the official client decodes the base64 it silently asks for", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const answer = await client.embeddings.create({ model, input: ["a", "b"] });
  assert.deepEqual(
    answer.data.map(({ index, embedding }) => [index, [...embedding]]),
    [
      [0, [3, 4, 0, 0]],
      [1, [3, 4, 1, 0]],
    ],
  );
  assert.equal(answer.object, "list");
  assert.equal(answer.model, model);
  assert.deepEqual(answer.usage, { prompt_tokens: 2, total_tokens: 2 });
});

test("floats are floats, also by default", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  for (const encoding_format of ["float", null]) {
    const response = await post("/v1/embeddings", { input: "a", encoding_format });
    const { data } = (await response.json()) as { data: { embedding: unknown }[] };
    assert.deepEqual(data[0]?.embedding, [3, 4, 0, 0]);
  }
});

test("fewer dimensions are the first ones, of length one again", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const { data } = await client.embeddings.create({ model, input: "a", dimensions: 2 });
  assert.deepEqual([...(data[0]?.embedding ?? [])], [...Float32Array.of(0.6, 0.8)]);
});

test("texts and token arrays reach the engine as they came", async (t) => {
  const engine = new ScriptedEngine();
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  for (const input of ["a", ["a", "b"], [1, 2], [[1], [2, 3]]]) {
    await client.embeddings.create({ model, input });
  }
  assert.deepEqual(
    engine.embedded.map(({ inputs }) => inputs),
    [["a"], ["a", "b"], [[1, 2]], [[1], [2, 3]]],
  );
});

for (const [name, request, param] of [
  ["more dimensions than the model has", { input: "a", dimensions: 5 }, "dimensions"],
  ["a token beyond the vocabulary", { input: [1, 500] }, "input"],
  ["a token beyond the vocabulary in one of several", { input: [[1], [500]] }, "input[1]"],
  ["a way to truncate that there is not", { input: "a", truncate: "middle" }, "truncate"],
  ["a truncation to nothing", { input: "a", truncate_prompt_tokens: 0 }, "truncate_prompt_tokens"],
  ["more tokens than the context holds", { input: Array<number>(1025).fill(1) }, "input"],
  ["an empty text", { input: "" }, "input"],
] as const) {
  test(`${name} is a BadRequestError about ${param}`, async (t) => {
    const engine = new ScriptedEngine();
    const { clientOptions } = await serve(t, engine);
    const client = new OpenAI(clientOptions);
    await assert.rejects(
      client.embeddings.create({ model, ...request } as { model: string; input: string }),
      (error) => error instanceof BadRequestError && error.param === param,
    );
    assert.equal(engine.embedded.length, 0);
  });
}

for (const [asked, truncation] of [
  [{ truncate: true }, { cuts: "end" }],
  [{ truncate: "END" }, { cuts: "end" }],
  [{ truncate: "start" }, { cuts: "start" }],
  [{ truncate_prompt_tokens: 7 }, { cuts: "end", mostTokens: 7 }],
  [
    { truncate: "start", truncate_prompt_tokens: 7 },
    { cuts: "start", mostTokens: 7 },
  ],
  [{ truncate_prompt_tokens: -1 }, { cuts: "end" }],
  [{ truncate: false }, undefined],
  [{ truncate: "none", truncate_prompt_tokens: 7 }, undefined],
  [{ truncate: null }, undefined],
] as const) {
  test(`${JSON.stringify(asked)} reaches the engine as what it means`, async (t) => {
    const engine = new ScriptedEngine();
    const { post } = await serve(t, engine);
    const tooLong = Array<number>(1025).fill(1);
    const input = truncation === undefined ? "a" : tooLong;
    const { status } = await post("/v1/embeddings", { input, ...asked });
    assert.equal(status, 200);
    assert.deepEqual(engine.embedded[0]?.truncation, truncation);
  });
}

test("token ids for one of OpenAI's models are refused, with the client's setting, and texts are taken", async (t) => {
  const engine = new ScriptedEngine();
  const aliases = ["text-embedding-3-small", "text-embedder"];
  const { clientOptions } = await serve(t, engine, { config: { aliases } });
  const client = new OpenAI(clientOptions);
  const embed = (name: string, input: string[] | number[][]) =>
    client.embeddings.create({ model: name, input });
  await assert.rejects(embed("text-embedding-3-small", [[1, 2]]), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "input");
    assert.match(error.message, /check_embedding_ctx_length=False/);
    return true;
  });
  assert.equal(engine.embedded.length, 0);
  await embed("text-embedding-3-small", ["a"]);
  await embed("text-embedder", [[1, 2]]);
  await embed(model, [[1, 2]]);
  assert.equal(engine.embedded.length, 3);
});
