import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { BadRequestError } from "openai";
import { ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const model = "org/model:Q4";

test("several prompts with several samples are answered in order: prompt, then sample", async (t) => {
  const engine = new ScriptedEngine();
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const answer = await client.completions.create({
    model,
    prompt: ["a", "b"],
    n: 2,
    max_tokens: 5,
  });
  assert.match(answer.id, /^cmpl-/);
  assert.equal(answer.object, "text_completion");
  assert.deepEqual(
    answer.choices,
    [0, 1, 2, 3].map((index) => ({
      index,
      text: "Hello world",
      logprobs: null,
      finish_reason: "stop",
    })),
  );
  assert.deepEqual(engine.call.request.prompts, [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]);
  assert.equal(engine.call.request.maxTokens, 5);
});

for (const [prompt, expected] of [
  [[5, 6], [{ kind: "tokens", tokens: [5, 6] }]],
  [
    [[5], [6]],
    [
      { kind: "tokens", tokens: [5] },
      { kind: "tokens", tokens: [6] },
    ],
  ],
  [null, [{ kind: "text", text: "" }]],
] as const) {
  test(`the prompt ${JSON.stringify(prompt)} reaches the engine as what it is`, async (t) => {
    const engine = new ScriptedEngine();
    const { post } = await serve(t, engine);
    assert.equal((await post("/v1/completions", { prompt })).status, 200);
    assert.deepEqual(engine.call.request.prompts, expected);
    assert.equal(engine.call.request.maxTokens, 16, "OpenAI's default for completions");
  });
}

test("max_tokens -1 means until the context is full, and 0 means none", async (t) => {
  const engine = new ScriptedEngine();
  const { post } = await serve(t, engine, { config: { sampling: { maxTokens: 7 } } });
  const asked: unknown[] = [];
  for (const max_tokens of [-1, 0, null]) {
    await post("/v1/completions", { prompt: "a", max_tokens });
    asked.push(engine.call.request.maxTokens);
  }
  assert.deepEqual(asked, [undefined, 0, 7]);
});

test("echo and logprobs give the prompt's tokens too, the first with null", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const { choices } = await client.completions.create({
    model,
    prompt: "Say:",
    echo: true,
    logprobs: 1,
  });
  assert.equal(choices[0]?.text, "Say:Hello world");
  assert.deepEqual(choices[0]?.logprobs, {
    tokens: ["Say:", "Hello", " world"],
    token_logprobs: [null, -1, -1],
    top_logprobs: [null, { Hello: -1 }, { " world": -1 }],
    text_offset: [0, 4, 9],
  });
});

test("best_of asks for more samples than it returns, and returns the likeliest", async (t) => {
  const engine = new ScriptedEngine(async function* (request) {
    for (const [choice, logprob] of [-3, -1, -2].entries()) {
      const text = `sample ${choice}`;
      const logprobs = [{ token: text, bytes: [], logprob, top: [] }];
      yield { type: "started", choice, cachedTokens: 0 };
      yield { type: "delta", choice, text, ...(request.topLogprobs === 0 && { logprobs }) };
      yield { type: "finish", choice, reason: "length" };
    }
    yield { type: "done", usage: { promptTokens: 1, completionTokens: 3, cachedTokens: 0 } };
  });
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const answer = await client.completions.create({ model, prompt: "a", best_of: 3, n: 2 });
  assert.deepEqual(
    answer.choices.map(({ index, text, logprobs }) => [index, text, logprobs]),
    [
      [0, "sample 1", null],
      [1, "sample 2", null],
    ],
  );
  assert.equal(engine.call.request.choicesPerPrompt, 3);
  assert.equal(answer.usage?.completion_tokens, 3, "all samples count");
});

test("a suffix needs a model that can infill", async (t) => {
  const engine = new ScriptedEngine();
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const create = () => client.completions.create({ model, prompt: "a", suffix: "c" });
  await assert.rejects(
    create(),
    (error) => error instanceof BadRequestError && error.param === "suffix",
  );

  if (engine.state.state !== "ready") throw new Error("the scripted engine should be ready");
  const capabilities = ["completions", "infill"] as const;
  engine.state = { ...engine.state, model: { ...engine.state.model, capabilities } };
  await create();
  assert.deepEqual(engine.call.request.prompts, [{ kind: "text", text: "a", suffix: "c" }]);
});

for (const [name, prompt, code] of [
  ["a token beyond the vocabulary", [1, 500], "invalid_value"],
  ["more tokens than the context holds", Array(1025).fill(1), "context_length_exceeded"],
] as const) {
  test(`a prompt with ${name} never reaches the engine`, async (t) => {
    const engine = new ScriptedEngine();
    const { clientOptions } = await serve(t, engine);
    const client = new OpenAI(clientOptions);
    await assert.rejects(
      client.completions.create({ model, prompt: prompt as number[] }),
      (error) =>
        error instanceof BadRequestError && error.param === "prompt" && error.code === code,
    );
    assert.equal(engine.calls.length, 0);
  });
}

test("every field OpenAI documents may be null", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const fields = `model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n
    presence_penalty seed stop stream stream_options suffix temperature top_p user`.split(/\s+/);
  const body = Object.fromEntries(fields.map((field) => [field, null]));
  assert.equal((await post("/v1/completions", body)).status, 200);
});
