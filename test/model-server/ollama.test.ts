/** Ollama's official client against real servers with tiny models: the form, and what is demanded of models that are noise. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { type ChatResponse, type EmbedResponse, Ollama, type Tool } from "ollama";
import { ModelServer } from "../support/model-server.ts";
import { post, postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const CHAT = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}<|im_start|>assistant
<think>
{% if enable_thinking is false %}
</think>

{% endif %}`;

const model = "test-model";
const messages = [{ role: "user", content: "Well?" }];
const options = { temperature: 0, num_predict: 16, num_ctx: 4096 };

const weather: Tool = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
      required: ["city"],
    },
  },
};

suite("Ollama's client", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let embedding: ModelServer;
  let client: Ollama;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("chat.gguf"), { chatTemplate: CHAT });
    await writeTinyEmbeddingModel(folder.file("embedding.gguf"));
    server = await ModelServer.ready({
      weightsPath: folder.file("chat.gguf"),
      engine: { slots: 2, contextTokens: 2048 },
    });
    embedding = await ModelServer.ready({ weightsPath: folder.file("embedding.gguf") });
    client = new Ollama({ host: server.url });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await embedding[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("chats, whole and streamed, and is told how many tokens there were", async () => {
    const asked = { model, messages, options, think: false, keep_alive: "5m" };
    const whole = await client.chat({ ...asked, stream: false });
    assert.deepEqual([whole.done, whole.model, whole.message.role], [true, model, "assistant"]);
    assert.ok(["stop", "length"].includes(whole.done_reason));
    assert.ok(whole.prompt_eval_count > 0 && whole.eval_count > 0 && whole.eval_count <= 16);
    let said = "";
    const parts = await Array.fromAsync(await client.chat({ ...asked, stream: true }));
    for (const part of parts) said += part.message.content;
    assert.equal(said, whole.message.content);
    const last = parts.pop();
    assert.equal(last?.eval_count, whole.eval_count);
    assert.ok(parts.every(({ done }) => !done));
  });

  test("streams to who does not say otherwise, a line for each piece", async () => {
    const response = await post(`${server.url}/api/chat`, { messages, options, think: false });
    assert.match(response.headers["content-type"] ?? "", /^application\/x-ndjson/);
    let text = "";
    for await (const chunk of response.body) text += String(chunk);
    const lines = text.trimEnd().split("\n");
    assert.ok(lines.length > 1);
    const done = lines.map((line) => (JSON.parse(line) as { done: boolean }).done);
    assert.deepEqual(done, [...done.slice(1).map(() => false), true]);
  });

  test("generates with a form, thinks and fills a gap", async () => {
    const { response } = await client.generate({
      model,
      prompt: "Well?",
      system: "Be brief.",
      format: { type: "string", enum: ["Yes."] },
      think: false,
      options: { ...options, num_predict: -1 },
    });
    assert.equal(response, '"Yes."');
    const thought = await client.generate({ model, prompt: "Well?", think: true, options });
    assert.notEqual(thought.thinking ?? "", "");
    for (const gap of [{ raw: true }, { suffix: " end" }]) {
      const { done, prompt_eval_count } = await client.generate({
        model,
        prompt: "x",
        ...gap,
        options,
      });
      assert.ok(done && prompt_eval_count > 0);
    }
  });

  test("takes tools, calls of them and their results", async () => {
    // Ollama has no way to demand a call, so whether one is made is the noise's affair.
    const body = { model, messages, tools: [weather], options, think: false, stream: false };
    const { status, json } = await postJson(`${server.url}/api/chat`, body);
    assert.equal(status, 200, JSON.stringify(json));
    const call = { function: { name: "get_weather", arguments: { city: "Rome" } } };
    const conversation = [
      ...messages,
      { role: "assistant", content: "", tool_calls: [call, call] },
      { role: "tool", tool_name: "get_weather", content: "Rain" },
      { role: "tool", content: "Sun" },
    ];
    const answer = await client.chat({
      model,
      messages: conversation,
      tools: [weather],
      options,
      think: false,
    });
    assert.equal(answer.done, true);
  });

  test("embeds texts, and cuts those that are too long unless it must not", async () => {
    const embedder = new Ollama({ host: embedding.url });
    const two = await embedder.embed({ model, input: ["a", "b"] });
    assert.equal(two.embeddings.length, 2);
    const one = await embedder.embeddings({ model, prompt: "a" });
    assert.equal(one.embedding.length, two.embeddings[0]?.length);
    const long = { model, input: "word ".repeat(5000) };
    assert.equal((await embedder.embed(long)).embeddings.length, 1);
    await assert.rejects(embedder.embed({ ...long, truncate: false }), /context length/u);
  });

  test("loads a model that is asked for nothing", async () => {
    for (const path of ["/api/generate", "/api/chat"]) {
      for (const more of [{ stream: true }, { stream: false }, { keep_alive: -1 }]) {
        const body = { model: server.modelId, ...more };
        const { status, json } = await postJson(`${server.url}${path}`, body);
        assert.deepEqual([status, (json as ChatResponse).done_reason], [200, "load"]);
      }
    }
    for (const nothing of [{}, { input: "" }, { input: [] }, { input: null }]) {
      const { status, json } = await postJson(`${embedding.url}/api/embed`, nothing);
      assert.deepEqual([status, (json as EmbedResponse).embeddings], [200, []]);
    }
    for (const nothing of [{}, { prompt: "" }]) {
      const { json } = await postJson(`${embedding.url}/api/embeddings`, nothing);
      assert.deepEqual(json, { embedding: [] });
    }
  });

  test("goes on with an answer that has begun, as Anthropic's clients know it", async () => {
    const conversation = [...messages, { role: "assistant", content: "Well, then" }] as const;
    const { prompt_eval_count, message } = await client.chat({
      model,
      messages: [...conversation],
      options,
      think: false,
    });
    const { json } = await postJson(`${server.url}/v1/messages/count_tokens`, {
      model,
      messages: conversation,
    });
    assert.equal(prompt_eval_count, (json as { input_tokens: number }).input_tokens);
    assert.ok(!message.content.startsWith("Well, then"));
  });

  test("says how long its prompt and its answer took", async () => {
    const whole = await client.chat({ model, messages, options, think: false });
    const parts = await Array.fromAsync(
      await client.generate({ model, prompt: "Well?", options, stream: true }),
    );
    const last = parts.at(-1);
    assert.ok(last !== undefined);
    for (const told of [whole, last]) {
      const { total_duration, load_duration, prompt_eval_duration, eval_duration } = told;
      const single = [load_duration, prompt_eval_duration, eval_duration];
      assert.ok(
        single.every((ns) => Number.isInteger(ns) && ns > 0),
        JSON.stringify(told),
      );
      assert.ok(single.reduce((sum, ns) => sum + ns, 0) <= total_duration + single.length);
    }
    const embedder = new Ollama({ host: embedding.url });
    const embedded = await embedder.embed({ model, input: "a" });
    assert.ok(embedded.total_duration > embedded.load_duration);
  });

  test("tells log probabilities of what it says", async () => {
    const asked = { model, options, think: false, logprobs: true, top_logprobs: 3 };
    const chat = await client.chat({ ...asked, messages });
    const generated = await client.generate({ ...asked, prompt: "Well?" });
    for (const { logprobs = [], eval_count } of [chat, generated]) {
      assert.ok(logprobs.length > 0 && logprobs.length <= eval_count);
      for (const one of logprobs) {
        assert.ok(one.logprob <= 0);
        assert.equal(one.top_logprobs?.length, 3);
      }
    }
  });

  test("throws the sentence that says what was wrong", async () => {
    await assert.rejects(client.chat({ model: "other", messages }), {
      name: "ResponseError",
      status_code: 404,
      message: /`other` does not exist/u,
    });
    const wrong = { ...options, temperature: -1 };
    await assert.rejects(client.chat({ model, messages, options: wrong }), /temperature/u);
  });
});
