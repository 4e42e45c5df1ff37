/**
 * What editors and chat pages that know nothing but Ollama send, with all that they send along: nulls, empty lists, options of
 * a machine. The forms are Zed's, Continue's and Open WebUI's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ollamaChatWire, ollamaGenerateWire } from "./generation-wires.ts";
import { ollamaEmbeddingsWire, ollamaEmbedWire } from "./embedding-wires.ts";

const parameters = { type: "object", properties: { path: { type: "string" } } };
const tools = [
  { type: "function", function: { name: "read_file", description: "Reads a file.", parameters } },
];
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("Zed's conversations with calls and their results are understood", () => {
  const call = { function: { name: "read_file", arguments: { path: "a" } } };
  for (const tool_calls of [[call], [{ id: "given", ...call }]]) {
    const { ask, ignored, stream } = ollamaChatWire.understand({
      model: "m",
      messages: [
        { role: "system", content: "You edit code." },
        { role: "user", content: "What is in it?" },
        { role: "assistant", content: "", tool_calls, thinking: null },
        { role: "tool", tool_name: "read_file", content: "nothing" },
        { role: "assistant", content: "Nothing.", tool_calls: null, thinking: "Empty." },
        { role: "user", content: "And now?" },
      ],
      stream: true,
      keep_alive: -1,
      options: { num_ctx: 16384, num_predict: null, stop: ["<end>"], temperature: 1, top_p: null },
      tools,
      think: null,
    });
    assert.deepEqual(ignored, []);
    assert.ok(stream !== undefined);
    assert.deepEqual(ask.stop, ["<end>"]);
    assert.deepEqual(
      ask.toolUse?.tools.map(({ name }) => name),
      ["read_file"],
    );
    const [prompt] = ask.prompts;
    assert.ok(prompt?.kind === "chat");
    const [, , called, result, said] = prompt.messages;
    const [made] = (called?.tool_calls ?? []) as readonly { id: string }[];
    assert.equal(result?.tool_call_id, made?.id);
    assert.equal(said?.reasoning_content, "Empty.");
  }
});

test("a list of no tools, and a tool of which only the name is said, are understood", () => {
  const messages = [{ role: "user", content: "Hi" }];
  assert.equal(ollamaChatWire.understand({ messages, tools: [] }).ask.toolUse, undefined);
  const bare = { type: "function", function: { name: "f", description: null, parameters: null } };
  const { toolUse } = ollamaChatWire.understand({ messages, tools: [bare] }).ask;
  assert.deepEqual(
    toolUse?.tools.map(({ name }) => name),
    ["f"],
  );
});

test("Continue's chats and completions are understood", () => {
  const options = {
    temperature: 0.2,
    top_p: 0.9,
    top_k: 40,
    num_predict: 2048,
    stop: ["<|endoftext|>"],
    num_ctx: 8192,
    mirostat: 0,
    num_thread: 4,
    use_mmap: true,
    min_p: 0,
    num_gpu: 1,
  };
  const chat = ollamaChatWire.understand({
    model: "m",
    messages: [{ role: "user", content: "What is this?", images: [PIXEL] }],
    options,
    think: false,
    keep_alive: 1800,
    stream: true,
    tools,
  });
  assert.equal(chat.ask.images?.length, 1);
  assert.equal(chat.ask.length.most, 2048);
  const raw = { model: "m", prompt: "<fim>", raw: true, options, keep_alive: 1800, stream: true };
  assert.deepEqual(ollamaGenerateWire.understand(raw).ask.prompts, [
    { kind: "text", text: "<fim>" },
  ]);
});

test("Open WebUI's chats, completions and embeddings are understood", () => {
  const chat = ollamaChatWire.understand({
    model: "m",
    messages: [
      { role: "user", content: "Hi", images: null },
      { role: "assistant", content: "Hello!", tool_calls: null },
      { role: "user", content: "Tell me more." },
    ],
    format: null,
    options: { num_keep: 24, tfs_z: 1, repeat_last_n: 64, repeat_penalty: 1.1, num_batch: 512 },
    template: null,
    stream: true,
    keep_alive: "5m",
    tools: null,
  });
  assert.equal(chat.ask.prompts[0]?.kind, "chat");
  const generate = ollamaGenerateWire.understand({
    model: "m",
    prompt: "Hi",
    suffix: null,
    images: null,
    format: null,
    options: {},
    system: null,
    template: "",
    context: null,
    stream: false,
    raw: null,
    keep_alive: null,
  });
  assert.equal(generate.stream, undefined);
  const embed = { model: "m", input: ["a", "b"], truncate: true, options: {}, keep_alive: "5m" };
  assert.equal(ollamaEmbedWire.understand(embed).ask.inputs.length, 2);
  const old = { model: "m", prompt: "a", options: null, keep_alive: null };
  assert.equal(ollamaEmbeddingsWire.understand(old).ask.inputs.length, 1);
});
