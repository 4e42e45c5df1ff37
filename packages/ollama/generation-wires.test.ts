import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { ollamaChatWire, ollamaGenerateWire } from "./generation-wires.ts";

const head = { id: "x", created: 0, model: "m", fingerprint: "fp" };
const messages = [{ role: "user", content: "Hi" }];
const call = (name: string, args: object) => ({ function: { name, arguments: args } });

test("results of tools belong to the calls that they name, or to the first that has none", () => {
  const conversation = [
    { role: "assistant", thinking: "Hm", tool_calls: [call("a", { x: 1 }), call("b", {})] },
    { role: "tool", tool_name: "b", content: "B" },
    { role: "tool", content: "A" },
  ];
  const { ask } = ollamaChatWire.understand({ messages: conversation });
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  const [said, ...results] = prompt.messages;
  assert.equal(said?.reasoning_content, "Hm");
  assert.deepEqual(
    results.map(({ role, tool_call_id: id, content }) => [role, id, content]),
    [
      ["tool", "call_2", "B"],
      ["tool", "call_1", "A"],
    ],
  );
});

test("options have the names of llama.cpp's server, and those of the machine no effect", () => {
  const options = { temperature: 0.5, top_k: 7, num_predict: -2, seed: 3, stop: ["x"], num_gpu: 1 };
  const { ask } = ollamaChatWire.understand({ messages, options, think: "max" });
  const { temperature, topK, seed } = ask.sampling;
  assert.deepEqual([temperature, topK, seed], [0.5, 7, 3]);
  assert.deepEqual([ask.length.most, ask.stop], [-1, ["x"]]);
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(prompt.templateVariables, { reasoning_effort: "high" });
});

const kindOf = (body: object) => ollamaGenerateWire.understand(body).ask.prompts[0];

test("a prompt goes through the chat template, unless it is raw or has a gap", () => {
  assert.deepEqual(kindOf({ prompt: "a", system: "b" }), {
    kind: "chat",
    messages: [
      { role: "system", content: "b" },
      { role: "user", content: "a" },
    ],
  });
  assert.deepEqual(kindOf({ prompt: "a", raw: true }), { kind: "text", text: "a" });
  assert.deepEqual(kindOf({ prompt: "a", suffix: "b" }), { kind: "text", text: "a", suffix: "b" });
});

const events: readonly GenerateEvent[] = [
  { type: "accepted", promptTokens: 5 },
  { type: "started", choice: 0, cachedTokens: 0 },
  { type: "delta", choice: 0, text: "Hm", isReasoning: true },
  { type: "delta", choice: 0, text: "" },
  { type: "delta", choice: 0, text: "Look." },
  { type: "tool_call", choice: 0, call: 0, id: "1", name: "a" },
  { type: "tool_arguments", choice: 0, call: 0, text: '{"x"' },
  { type: "tool_arguments", choice: 0, call: 0, text: ":1}" },
  { type: "tool_call", choice: 0, call: 1, id: "2", name: "b" },
  { type: "tool_arguments", choice: 0, call: 1, text: "{}" },
  { type: "finish", choice: 0, reason: "tool_calls" },
  { type: "done", usage: { promptTokens: 5, completionTokens: 9, cachedTokens: 0 } },
];
const created_at = "1970-01-01T00:00:00.000Z";
const counted = { done: true, done_reason: "stop", prompt_eval_count: 5, eval_count: 9 };
const called = (index: number, name: string, args: object) => ({
  id: String(index + 1),
  function: { index, name, arguments: args },
});

test("an answer has what was thought, said and called, whole", () => {
  const { answer } = ollamaChatWire.understand({ messages, stream: false });
  assert.deepEqual(answer(head, events), {
    model: "m",
    created_at,
    message: {
      role: "assistant",
      content: "Look.",
      thinking: "Hm",
      tool_calls: [called(0, "a", { x: 1 }), called(1, "b", {})],
    },
    ...counted,
  });
});

test("a stream has them line by line, calls whole, and ends with what it took", () => {
  const { stream } = ollamaChatWire.understand({ messages });
  const framesOf = stream?.(head);
  const lines = events.flatMap((event) => framesOf?.(event) ?? []).map(({ data }) => data);
  const role = "assistant";
  const said = [
    { role, content: "", thinking: "Hm" },
    { role, content: "Look." },
    { role, content: "", tool_calls: [called(0, "a", { x: 1 })] },
    { role, content: "", tool_calls: [called(1, "b", {})] },
  ].map((message) => ({ model: "m", created_at, message, done: false }));
  const last = { model: "m", created_at, message: { role, content: "" }, ...counted };
  assert.deepEqual(lines, [...said, last]);
});

test("a request that asks for nothing loads the model, and says so, also where it stays although it is not to", () => {
  const usage = { promptTokens: 1, completionTokens: 0, cachedTokens: 0 };
  const empty: GenerateEvent[] = [
    { type: "accepted", promptTokens: 1 },
    { type: "finish", choice: 0, reason: "length" },
    { type: "done", usage },
  ];
  const told = { model: "m", created_at: "1970-01-01T00:00:00.000Z", done: true };
  for (const keep_alive of [undefined, "5m", 10, 0, "0s"]) {
    const asked = keep_alive === undefined ? {} : { keep_alive };
    const generate = ollamaGenerateWire.understand({ model: "m", ...asked });
    assert.equal(generate.ask.length.most, 0);
    const line = { ...told, response: "", done_reason: "load" };
    assert.deepEqual(generate.answer(head, empty), line);
    const frames = generate.stream?.(head);
    assert.deepEqual(
      empty.flatMap((event) => frames?.(event) ?? []),
      [{ data: line }],
    );
    for (const none of [{}, { messages: [] }]) {
      const chat = ollamaChatWire.understand({ model: "m", ...none, ...asked });
      const message = { role: "assistant", content: "" };
      assert.deepEqual(chat.answer(head, empty), { ...told, message, done_reason: "load" });
    }
  }
});
