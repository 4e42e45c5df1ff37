import assert from "node:assert/strict";
import { test } from "node:test";
import { contextLengthExceeded } from "@localmodel/inference/refusals.ts";
import OpenAI, { BadRequestError } from "openai";
import { GREEDY } from "../fixtures/sampling.ts";
import { ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const model = "org/model:Q4";
const messages = [{ role: "user" as const, content: "Hi" }];
const path = "/v1/chat/completions";

test("a chat is answered in full, with exact usage", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const answer = await client.chat.completions.create({ model: "small", messages });
  assert.match(answer.id, /^chatcmpl-/);
  assert.equal(answer.model, model);
  assert.equal(answer.system_fingerprint, "fp_test");
  assert.deepEqual(answer.choices, [
    {
      index: 0,
      message: { role: "assistant", content: "Hello world", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ]);
  assert.equal(answer.usage?.total_tokens, 5);
  assert.equal(answer.usage?.prompt_tokens_details?.cached_tokens, 1);
});

test("the engine is asked exactly what the request, then the LocalModel, then the file say", async (t) => {
  const engine = new ScriptedEngine();
  const { clientOptions } = await serve(t, engine, {
    config: { sampling: { temperature: 0.3, topK: 40, maxTokens: 99 } },
  });
  const client = new OpenAI(clientOptions);
  await client.chat.completions.create(
    {
      model,
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "Hi" }] },
      ],
      temperature: 0,
      stop: "\n",
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      logit_bias: { "7": -100 },
      seed: -3,
    },
    { headers: { "x-localmodel-tenant": "team-a" } },
  );
  assert.deepEqual(engine.call.request, {
    prompts: [
      {
        kind: "chat",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Hi" },
        ],
      },
    ],
    choicesPerPrompt: 2,
    maxTokens: 99,
    sampling: { ...GREEDY, topK: 40, logitBias: [[7, -100]], seed: -3 },
    stop: ["\n"],
    topLogprobs: 3,
    echo: false,
    ignoreEos: false,
    tenant: "team-a",
  });
});

test("extensions beyond OpenAI's client reach the engine", async (t) => {
  const engine = new ScriptedEngine();
  const { post } = await serve(t, engine);
  const extensions = { min_tokens: 4, chat_template_kwargs: { enable_thinking: false } };
  const response = await post("/v1/chat/completions", { messages, ...extensions });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-ignored-params"), null);
  const { minTokens, prompts } = engine.call.request;
  assert.equal(minTokens, 4);
  assert.deepEqual(prompts, [
    { kind: "chat", messages, templateVariables: { enable_thinking: false } },
  ]);
});

test("log probabilities of a chat are those of each choice", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  const { choices } = await client.chat.completions.create({
    model,
    messages,
    n: 2,
    logprobs: true,
    top_logprobs: 2,
  });
  const tokens = choices.map(({ logprobs }) => logprobs?.content ?? []);
  assert.deepEqual(
    tokens.map((content) => content.map(({ token, logprob }) => [token, logprob])),
    [
      [
        ["Hello", -1],
        [" world", -1],
      ],
      [
        ["Hello", -2],
        [" world", -2],
      ],
    ],
  );
  assert.equal(tokens[0]?.[0]?.top_logprobs.length, 2);
});

test("every field OpenAI documents may be null", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const fields = `model audio frequency_penalty function_call functions logit_bias logprobs
    max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls prediction
    presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort
    response_format safety_identifier seed service_tier stop store stream stream_options temperature
    tool_choice tools top_logprobs top_p user verbosity web_search_options`.split(/\s+/);
  const response = await post(path, {
    ...Object.fromEntries(fields.map((field) => [field, null])),
    messages: [{ role: "user", content: "Hi", name: null }],
  });
  assert.equal(response.status, 200, await response.clone().text());
  assert.equal(response.headers.get("x-ignored-params"), null);
});

test("fields without effect are named in a header, not refused", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const response = await post(path, { messages, user: "me", frobnicate: 2, "x\r\ny": 1, top_k: 5 });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-ignored-params"), "user, frobnicate, x%0D%0Ay");
});

for (const named of [{ model: "small" }, { model: "" }, { model: null }, {}]) {
  test(`a request for ${JSON.stringify(named)} is for the one model there is`, async (t) => {
    const { post } = await serve(t, new ScriptedEngine());
    const response = await post(path, { messages, ...named });
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { model: string }).model, model);
  });
}

test("a token that the vocabulary lacks cannot be biased", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const client = new OpenAI(clientOptions);
  await assert.rejects(
    client.chat.completions.create({ model, messages, logit_bias: { "500": 1 } }),
    (error) => error instanceof BadRequestError && error.param === "logit_bias",
  );
});

test("a model without a chat template says what it can do instead", async (t) => {
  const engine = new ScriptedEngine();
  if (engine.state.state !== "ready") throw new Error("the scripted engine should be ready");
  engine.state = {
    ...engine.state,
    model: { ...engine.state.model, capabilities: ["embeddings"] },
  };
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  await assert.rejects(client.chat.completions.create({ model, messages }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.code, "model_not_capable");
    assert.equal(error.param, "model");
    assert.match(error.message, /It supports: embeddings\./);
    return true;
  });
});

test("a conversation that is too long is a BadRequestError agents understand, streaming or not", async (t) => {
  const { clientOptions } = await serve(
    t,
    // oxlint-disable-next-line require-yield -- it fails before the first event
    new ScriptedEngine(async function* () {
      throw contextLengthExceeded({ limit: 1024, prompt: 2000 });
    }),
  );
  const client = new OpenAI(clientOptions);
  for (const stream of [false, true]) {
    await assert.rejects(client.chat.completions.create({ model, messages, stream }), (error) => {
      assert.ok(error instanceof BadRequestError);
      assert.equal(error.code, "context_length_exceeded");
      assert.equal(error.param, "messages");
      assert.match(error.message, /maximum context length is 1024 tokens/);
      return true;
    });
  }
});
