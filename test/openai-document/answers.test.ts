/** What real models answer through the API service, held against OpenAI's own document. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ApiProcess } from "../support/api-process.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "../support/tiny-models.ts";
import { assertIs, assertIsEvent } from "./validate.ts";

const THINKING = `{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}`;

const weather = {
  type: "function",
  name: "get_weather",
  description: "The weather in a place",
  strict: true,
  parameters: {
    type: "object",
    properties: { unit: { enum: ["celsius", "fahrenheit"] } },
    required: ["unit"],
    additionalProperties: false,
  },
};
const { type: _, ...weatherFunction } = weather;
const custom = { type: "custom", name: "say", description: "Says it", format: { type: "text" } };
const format = { type: "json_schema", name: "n", schema: weather.parameters, strict: true };
const image = { type: "input_image", image_url: "https://example.com/a.png", detail: "auto" };

/** Bodies that the document allows: each field of it that this server knows in one of them. */
const RESPONSES: Readonly<Record<string, object>> = {
  "a text": { input: "Hello!", max_output_tokens: 16 },
  "a text until it ends": { input: "Hello!", max_output_tokens: 64, temperature: 0 },
  "all that can be set": {
    input: [
      { role: "developer", content: "Be brief." },
      { role: "user", content: [{ type: "input_text", text: "Hello!" }] },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Greet." }] },
      { type: "function_call", call_id: "c1", name: "get_weather", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "Sunny" },
      {
        type: "message",
        role: "assistant",
        status: "completed",
        id: "msg_1",
        content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }],
      },
    ],
    instructions: "You are a helpful assistant.",
    metadata: { topic: "demo" },
    temperature: 1,
    top_p: 0.9,
    top_logprobs: 2,
    include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
    truncation: "auto",
    parallel_tool_calls: false,
    store: false,
    user: "u",
    safety_identifier: "s",
    prompt_cache_key: "k",
    service_tier: "auto",
    reasoning: { effort: "low", summary: "auto" },
    text: { format: { type: "text" }, verbosity: "low" },
    tools: [weather, custom],
    tool_choice: "auto",
    max_output_tokens: 16,
  },
  "a call": {
    input: "Weather?",
    tools: [weather],
    tool_choice: "required",
    max_output_tokens: 200,
  },
  "a call of one that is named": {
    input: "Weather?",
    tools: [weather, custom],
    tool_choice: { type: "function", name: "get_weather" },
    max_output_tokens: 200,
  },
  "a call of a custom tool": {
    input: "Say",
    tools: [custom],
    tool_choice: { type: "custom", name: "say" },
    max_output_tokens: 60,
  },
  "a call cut off": {
    input: "Weather?",
    tools: [weather],
    tool_choice: "required",
    max_output_tokens: 16,
  },
  "one of those allowed": {
    input: "x",
    tools: [weather],
    tool_choice: {
      type: "allowed_tools",
      mode: "required",
      tools: [{ type: "function", name: "get_weather" }],
    },
    max_output_tokens: 200,
  },
  "a form": { input: "Weather?", text: { format }, max_output_tokens: 200 },
  JSON: { input: "JSON please", text: { format: { type: "json_object" } }, max_output_tokens: 16 },
};

/** Refused, with an error in OpenAI's form. */
const REFUSED: Readonly<Record<string, object>> = {
  "a hosted tool": { input: "x", tools: [{ type: "web_search" }] },
  "the background": { input: "x", background: true },
  "a conversation that is not there": { input: "x", previous_response_id: "resp_none" },
  "an image without a model that looks": { input: [{ role: "user", content: [image] }] },
};

const CHATS: Readonly<Record<string, object>> = {
  "a text": { max_tokens: 8 },
  "two with log probabilities": { n: 2, logprobs: true, top_logprobs: 2, max_tokens: 4 },
  "a call": {
    tools: [{ type: "function", function: weatherFunction }],
    tool_choice: "required",
    max_completion_tokens: 200,
  },
  "a stream with usage": { stream_options: { include_usage: true }, max_tokens: 8 },
};

suite("answers are those of OpenAI's document", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let servers: ModelServer[];
  let api: ApiProcess;
  before(async () => {
    folder = await TemporaryFolder.create();
    const [plain, thinking, embedding] = ["plain", "thinking", "e"].map((name) =>
      folder.file(`${name}.gguf`),
    );
    assert.ok(plain !== undefined && thinking !== undefined && embedding !== undefined);
    await writeTinyChatModel(plain);
    await writeTinyChatModel(thinking, { chatTemplate: THINKING });
    await writeTinyEmbeddingModel(embedding);
    const engine = { slots: 2, contextTokens: 1024, threads: 1 };
    servers = await Promise.all([
      ModelServer.ready({ weightsPath: plain, modelId: "plain", engine }),
      ModelServer.ready({ weightsPath: thinking, modelId: "thinking", engine }),
      ModelServer.ready({ weightsPath: embedding, modelId: "e", engine: { threads: 1 } }),
    ]);
    const models = servers.map((one) => ({ id: one.modelId, endpoints: [one.url] }));
    api = await ApiProcess.start({ models });
  });
  after(async () => {
    await api.stop();
    await Promise.all(servers.map((one) => one[Symbol.asyncDispose]()));
    await folder[Symbol.asyncDispose]();
  });

  const asked = async (path: string, body: object, status = 200): Promise<unknown> => {
    const response = await api.post(path, body);
    const text = await response.text();
    assert.equal(response.status, status, text);
    return JSON.parse(text);
  };
  const streamed = async (path: string, body: object): Promise<Sent[]> => {
    const text = await (await api.post(path, { ...body, stream: true })).text();
    return [...text.matchAll(/^data: (\{.*)$/gmu)].map(([, data = ""]) => JSON.parse(data) as Sent);
  };

  for (const [name, body] of Object.entries(RESPONSES)) {
    for (const model of ["plain", "thinking"]) {
      test(`a response: ${name}, of a model that is ${model}`, async () => {
        const whole = { model, ...body };
        assertIs("CreateResponse", whole);
        const response = (await asked("/v1/responses", whole)) as Sent;
        assertIs("Response", response);
        const events = await streamed("/v1/responses", whole);
        for (const event of events) assertIsEvent(event);
        assert.match(events.at(-1)?.type ?? "", /^response\.(completed|incomplete)$/);
        if ("store" in body) return;
        const kept = await fetch(`${api.url}/v1/responses/${response.id}`);
        assert.deepEqual(await kept.json(), response);
        const items = await fetch(`${api.url}/v1/responses/${response.id}/input_items`);
        assertIs("ResponseItemList", await items.json());
      });
    }
  }

  test("what a response goes on with is listed as items of the document", async () => {
    let previous: string | undefined;
    for (const { store: _store, ...body } of Object.values(RESPONSES) as { store?: boolean }[]) {
      const { id } = (await asked("/v1/responses", {
        model: "thinking",
        ...body,
        ...(previous !== undefined && { previous_response_id: previous }),
      })) as Sent;
      previous = id;
    }
    const url = `${api.url}/v1/responses/${previous}/input_items?limit=100`;
    const list = (await (await fetch(url)).json()) as { readonly data: readonly unknown[] };
    assert.ok(list.data.length > 20);
    for (const item of list.data) assertIs("ItemResource", item);
    assertIs("ResponseItemList", list);
  });

  for (const [name, body] of Object.entries(REFUSED)) {
    test(`a refusal: ${name}`, async () => {
      const status = name.includes("not there") ? 404 : 400;
      assertIs("ErrorResponse", await asked("/v1/responses", { model: "plain", ...body }, status));
    });
  }

  for (const [name, body] of Object.entries(CHATS)) {
    test(`a chat: ${name}`, async () => {
      for (const model of ["plain", "thinking"]) {
        const messages = [{ role: "user", content: "Hello!" }];
        const whole = { model, messages, ...body };
        const chunks = await streamed("/v1/chat/completions", whole);
        assert.ok(chunks.length > 1);
        for (const chunk of chunks) assertIs("CreateChatCompletionStreamResponse", chunk);
        if (name.startsWith("a stream")) continue;
        assertIs("CreateChatCompletionResponse", await asked("/v1/chat/completions", whole));
      }
    });
  }

  test("completions, embeddings and lists of models", async () => {
    const completion = { model: "plain", prompt: "Once", max_tokens: 4, logprobs: 1 };
    assertIs("CreateCompletionResponse", await asked("/v1/completions", completion));
    const embedding = { model: "e", input: ["a", "b"] };
    assertIs("CreateEmbeddingResponse", await asked("/v1/embeddings", embedding));
    assertIs("ListModelsResponse", await (await fetch(`${api.url}/v1/models`)).json());
    assertIs("Model", await (await fetch(`${api.url}/v1/models/plain`)).json());
  });

  test("what is not of the document is found", () => {
    assert.throws(() => assertIs("Model", { id: "m", object: "model", created: "now" }));
    assert.throws(() => assertIsEvent({ type: "response.completed" }));
    assert.throws(() => assertIsEvent({ type: "response.unheard_of" }));
  });
});

type Sent = { readonly type: string; readonly id: string };
