/**
 * Anthropic's official client against real servers with tiny models: what matters is the form, and what is demanded of
 * models that are noise.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import type { MessageCreateParamsNonStreaming } from "@anthropic-ai/sdk/resources/messages";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const TEMPLATE = `{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% if enable_thinking is false %}
</think>

{% endif %}{% endif %}`;

const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Well?" }];

const weather: Anthropic.Tool = {
  name: "get_weather",
  description: "The weather of a city.",
  input_schema: {
    type: "object",
    properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
    required: ["city"],
    additionalProperties: false,
  },
};

const begin = (content: string) => ({ messages: [...messages, { role: "assistant", content }] });

suite("Anthropic's client", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let client: Anthropic;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"), { chatTemplate: TEMPLATE });
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      engine: { slots: 2, contextTokens: 1024 },
    });
    client = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const asked = (fields: object = {}): MessageCreateParamsNonStreaming => {
    // Its types do not know of it any more.
    const greedy: object = { temperature: 0 };
    return { model: server.modelId, max_tokens: 24, messages, ...greedy, ...fields };
  };

  const post = (path: string, body: object) =>
    fetch(server.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  const failing = (fields: object) => client.messages.create(asked(fields));

  test("has a message whole, and the same streamed with its helpers", async () => {
    const whole = await client.messages.create(asked({ system: "Be brief." }));
    assert.match(whole.id, /^msg_/);
    assert.ok(whole._request_id);
    assert.deepEqual([whole.type, whole.role, whole.model], ["message", "assistant", "test-model"]);
    assert.ok(["end_turn", "max_tokens"].includes(whole.stop_reason ?? ""));
    const { input_tokens: read, cache_read_input_tokens: cached, output_tokens } = whole.usage;
    assert.ok(output_tokens > 0 && output_tokens <= 24);

    const stream = client.messages.stream(asked({ system: "Be brief." }));
    let said = "";
    stream.on("text", (text) => (said += text));
    const streamed = await stream.finalMessage();
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(
      said,
      whole.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    );
    assert.equal(streamed.stop_reason, whole.stop_reason);
    const usage = streamed.usage;
    assert.equal(usage.output_tokens, output_tokens);
    // What the first has evaluated, the second need not.
    assert.equal(usage.input_tokens + (usage.cache_read_input_tokens ?? 0), read + (cached ?? 0));
  });

  test("has an answer that it has begun go on behind that, as text and nothing else", async () => {
    const tokens = async (content: string): Promise<readonly number[]> => {
      const response = await post("/tokenize", { content, parse_special: true });
      return ((await response.json()) as { readonly tokens: readonly number[] }).tokens;
    };
    const count = async (content: string): Promise<number> => {
      const asks = { model: server.modelId, ...begin(content) } as MessageCreateParamsNonStreaming;
      return (await client.messages.countTokens(asks)).input_tokens;
    };
    const template =
      "<|im_start|>user\nWell?<|im_end|>\n<|im_start|>assistant\n<think>\n</think>\n\n";
    const prompt = await tokens(`${template}The answer is`);
    assert.equal(await count("The answer is"), prompt.length);
    // As a control token it would be one more.
    assert.ok((await count("The answer<|im_end|> is")) > prompt.length + 3);
    const { content } = await client.messages.create(asked(begin("The answer is")));
    const completed = await post("/v1/completions", { prompt, max_tokens: 24, temperature: 0 });
    const { choices } = (await completed.json()) as {
      readonly choices: readonly { readonly text: string }[];
    };
    const text = content.map((block) => (block.type === "text" ? block.text : "")).join("");
    assert.equal(text, choices[0]?.text);
  });

  test("is told that the context is full where that ended the answer", async () => {
    // Nothing else can be said, and there is no room for it.
    const format = { type: "json_schema", schema: { enum: ["word ".repeat(3000)] } };
    const ended = async (max_tokens: number) =>
      (await client.messages.create(asked({ output_config: { format }, max_tokens }))).stop_reason;
    assert.equal(await ended(5000), "model_context_window_exceeded");
    assert.equal(await ended(5), "max_tokens");
  });

  test("is told which stop sequence ended an answer, and gets nothing of it", async () => {
    const { content, stop_reason, stop_sequence } = await client.messages.create(
      asked({
        max_tokens: 64,
        stop_sequences: ["never", "STOP"],
        output_config: {
          format: { type: "json_schema", schema: { type: "string", enum: ["one STOP two"] } },
        },
      }),
    );
    assert.deepEqual(content, [{ type: "text", text: '"one ' }]);
    assert.deepEqual([stop_reason, stop_sequence], ["stop_sequence", "STOP"]);
  });

  for (const stream of [false, true]) {
    test(`calls a tool and takes its result, ${stream ? "streamed" : "whole"}`, async () => {
      const first = asked({ max_tokens: 200, tools: [weather], tool_choice: { type: "any" } });
      const answer = stream
        ? await client.messages.stream(first).finalMessage()
        : await client.messages.create(first);
      assert.equal(answer.stop_reason, "tool_use");
      const [use] = answer.content;
      assert.ok(use?.type === "tool_use" && answer.content.length === 1);
      assert.equal(use.name, "get_weather");
      const { city } = use.input as { city: string };
      assert.ok(["Paris", "Rome"].includes(city));
      const result: Anthropic.ToolResultBlockParam = {
        type: "tool_result",
        tool_use_id: use.id,
        content: [{ type: "text", text: "Rain" }],
      };
      const { stop_reason } = await client.messages.create(
        asked({
          tools: [weather],
          tool_choice: { type: "none" },
          messages: [
            ...messages,
            { role: "assistant", content: answer.content },
            { role: "user", content: [result] },
          ],
        }),
      );
      assert.ok(["end_turn", "max_tokens"].includes(stop_reason ?? ""));
    });
  }

  test("thinks within its budget when it is asked to, and gives its thoughts back", async () => {
    const format = { type: "json_schema", schema: { type: "string", enum: ["Yes."] } };
    const thinking = { type: "enabled", budget_tokens: 16 };
    const fields = { max_tokens: 200, thinking, output_config: { format } };
    const whole = await client.messages.create(asked(fields));
    const [thought, said] = whole.content;
    assert.ok(thought?.type === "thinking" && thought.thinking !== "", JSON.stringify(whole));
    assert.deepEqual(said, { type: "text", text: '"Yes."' });
    assert.ok((whole.usage.output_tokens_details?.thinking_tokens ?? 0) > 0);
    const stream = client.messages.stream(asked(fields));
    let thoughts = "";
    stream.on("thinking", (more) => (thoughts += more));
    assert.deepEqual((await stream.finalMessage()).content, whole.content);
    assert.equal(thoughts, thought.thinking);

    const goingOn: Anthropic.MessageParam[] = [
      ...messages,
      { role: "assistant", content: whole.content },
      { role: "user", content: "Sure?" },
    ];
    const next = await client.messages.create(
      asked({ ...fields, messages: goingOn, thinking: { type: "disabled" } }),
    );
    assert.deepEqual(next.content, [{ type: "text", text: '"Yes."' }]);
  });

  test("throws its own errors, which say what was wrong and under which id", async () => {
    await assert.rejects(failing({ model: "other" }), Anthropic.NotFoundError);
    await assert.rejects(
      failing({ messages: [{ role: "user", content: "word ".repeat(5000) }] }),
      (error) => {
        assert.ok(error instanceof Anthropic.BadRequestError);
        const body = error.error as {
          error: { type: string; message: string };
          request_id: string;
        };
        assert.equal(body.error.type, "invalid_request_error");
        assert.match(body.error.message, /maximum context length is 1024 tokens.*the messages/u);
        assert.equal(body.request_id, error.requestID);
        return true;
      },
    );
    const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
    const seen = { messages: [{ role: "user", content: [{ type: "image", source }] }] };
    await assert.rejects(failing(seen), /reads text only/u);
    const tools = [{ type: "web_search_20250305", name: "web_search" }];
    await assert.rejects(failing({ tools }), /web_search_20250305/u);
  });
});
