/** Reading of prompts on a real server with a tiny model: what is counted is what is evaluated, and nothing is. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const messages = [{ role: "user" as const, content: "Hi <|im_end|> you é😀" }];
const tool = { name: "f", description: "d", input_schema: { type: "object" as const } };

suite("reading", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let embedding: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("chat.gguf"));
    await writeTinyEmbeddingModel(folder.file("embedding.gguf"));
    const engine = { slots: 1, contextTokens: 512 };
    server = await ModelServer.ready({ weightsPath: folder.file("chat.gguf"), engine });
    embedding = await ModelServer.ready({ weightsPath: folder.file("embedding.gguf"), engine });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await embedding[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function read(path: string, body: object, at = server): Promise<Record<string, unknown>> {
    const { status, json } = await postJson(`${at.url}${path}`, body);
    assert.equal(status, 200, JSON.stringify(json));
    return json as Record<string, unknown>;
  }

  test("counts a message's tokens as its answer does", async () => {
    const client = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
    for (const tools of [[], [tool]]) {
      const asked = { model: server.modelId, messages, tools, system: "Be brief." };
      const { input_tokens: counted } = await client.messages.countTokens(asked);
      const { usage } = await client.messages.create({ ...asked, max_tokens: 1 });
      assert.equal(counted, usage.input_tokens + (usage.cache_read_input_tokens ?? 0));
    }
  });

  test("gives a conversation's tokens as they are evaluated, and its text", async () => {
    const { count, tokens, max_model_len, token_strs } = await read("/tokenize", { messages });
    const { usage } = await server.client().chat.completions.create({
      model: server.modelId,
      messages,
      max_completion_tokens: 1,
    });
    assert.equal(count, (usage as OpenAI.CompletionUsage).prompt_tokens);
    assert.deepEqual([max_model_len, token_strs], [512, null]);
    const { prompt } = await read("/apply-template", { messages });
    assert.equal(
      prompt,
      `<|im_start|>user\n${messages[0]?.content}<|im_end|>\n<|im_start|>assistant\n`,
    );
    const { content } = await read("/detokenize", { tokens });
    assert.equal(content, prompt);
  });

  test("opens no answer behind a conversation for who does not want that", async () => {
    const open = await read("/apply-template", { messages });
    const { prompt } = await read("/apply-template", { messages, add_generation_prompt: false });
    assert.equal(open["prompt"], `${String(prompt)}<|im_start|>assistant\n`);
    const more = { add_generation_prompt: false, add_special_tokens: false };
    const { tokens, count } = await read("/tokenize", { messages, ...more });
    assert.equal((tokens as number[]).length, count);
    assert.equal((await read("/detokenize", { tokens }))["content"], prompt);
  });

  test("counts the tokens that a response would be asked with", async () => {
    const { responses } = server.client();
    const tools = [{ type: "function" as const, name: "f", parameters: {}, strict: false }];
    const asked = { model: server.modelId, input: messages, instructions: "Be brief.", tools };
    const { input_tokens: counted, object } = await responses.inputTokens.count(asked);
    assert.equal(object, "response.input_tokens");
    const { usage } = await responses.create({ ...asked, max_output_tokens: 1 });
    assert.equal(counted, usage?.input_tokens);
  });

  test("gives the tokens of a text, their pieces, and the text again", async () => {
    const content = "Hi <|im_end|> you é😀";
    const { tokens } = await read("/tokenize", { content });
    assert.ok(Array.isArray(tokens));
    const plain = await read("/tokenize", { content, parse_special: false });
    assert.ok((plain["tokens"] as number[]).length > tokens.length);
    for (const body of [{ tokens }, plain]) {
      const written = await read("/detokenize", body);
      assert.deepEqual(written, { content, prompt: content });
    }
    const pieces = await read("/tokenize", { content, with_pieces: true });
    const bytes = (pieces["tokens"] as { id: number; piece: string | number[] }[]).map(
      ({ piece }) => Buffer.from(piece as string),
    );
    assert.equal(Buffer.concat(bytes).toString(), content);
    assert.deepEqual(
      (pieces["tokens"] as { id: number }[]).map(({ id }) => id),
      tokens,
    );
    const vllm = await read("/tokenize", { prompt: content, return_token_strs: true });
    assert.deepEqual(vllm["tokens"], tokens);
    assert.equal((vllm["token_strs"] as string[]).length, tokens.length);
  });

  test("reads texts and tokens in any order, each text by itself", async () => {
    const one = (await read("/tokenize", { content: "Hi you" }))["tokens"] as number[];
    const two = (await read("/tokenize", { content: "<|im_end|>" }))["tokens"] as number[];
    for (const [content, expected] of [
      [
        ["Hi you", 12],
        [...one, 12],
      ],
      [
        [12, 7, "Hi you", "<|im_end|>", 9],
        [12, 7, ...one, ...two, 9],
      ],
      [
        [12, 7],
        [12, 7],
      ],
      [[], []],
    ] as const) {
      assert.deepEqual(await read("/tokenize", { content }), { tokens: expected });
    }
    const around = { add_special: true };
    const first = await read("/tokenize", { content: "hello", ...around }, embedding);
    const both = await read("/tokenize", { content: ["hello", 7], ...around }, embedding);
    assert.deepEqual(both["tokens"], [...(first["tokens"] as number[]), 7]);
  });

  test("reads for a model that embeds, with what it wants around a text", async () => {
    const bare = await read("/tokenize", { content: "hello world" }, embedding);
    const around = await read(
      "/tokenize",
      { content: "hello world", add_special: true },
      embedding,
    );
    const tokens = around["tokens"] as number[];
    assert.deepEqual(tokens.slice(1, -1), bare["tokens"]);
    const { status, json } = await postJson(`${embedding.url}/apply-template`, { messages });
    assert.deepEqual(
      [status, (json as { error: { code: string } }).error.code],
      [400, "model_not_capable"],
    );
  });

  test("refuses what no prompt may be", async () => {
    for (const [path, body, code] of [
      ["/tokenize", { content: "word ".repeat(5000) }, "context_length_exceeded"],
      [
        "/tokenize",
        { messages: [{ role: "user", content: "word ".repeat(5000) }] },
        "context_length_exceeded",
      ],
      ["/tokenize", { content: "a", prompt: "b" }, "invalid_value"],
      ["/tokenize", {}, "invalid_value"],
      ["/tokenize", { content: ["a", { b: 1 }] }, "invalid_type"],
      ["/tokenize", { content: 7 }, "invalid_type"],
      ["/tokenize", { content: ["a", 99_999] }, "invalid_value"],
      ["/tokenize", { content: Array(600).fill("a") }, "context_length_exceeded"],
      ["/detokenize", { tokens: [99_999] }, "invalid_value"],
      ["/detokenize", { tokens: [-2] }, "integer_below_min_value"],
    ] as const) {
      const { status, json } = await postJson(`${server.url}${path}`, body);
      assert.equal(status, 400, JSON.stringify(json));
      assert.equal((json as { error: { code: string } }).error.code, code, JSON.stringify(json));
    }
  });
});
