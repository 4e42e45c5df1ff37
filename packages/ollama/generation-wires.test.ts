import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
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

test("an answer goes on with what a message at the end says, unless that calls or is all there is", () => {
  const asked = (...more: readonly object[]) => {
    const [prompt] = ollamaChatWire.understand({ messages: [...messages, ...more] }).ask.prompts;
    assert.ok(prompt?.kind === "chat");
    return { messages: prompt.messages, begun: prompt.begun };
  };
  const role = "assistant";
  assert.deepEqual(asked({ role, content: "Hello, " }), { messages, begun: { text: "Hello, " } });
  assert.deepEqual(asked({ role, content: "" }), { messages, begun: undefined });
  const calling = { role, content: "Look.", tool_calls: [call("a", {})] };
  for (const more of [[calling], [{ role, content: "Hello!" }, ...messages]]) {
    const { messages: all, begun } = asked(...more);
    assert.deepEqual([all.length, begun], [1 + more.length, undefined]);
  }
  const alone = ollamaChatWire.understand({ messages: [{ role, content: "Hello" }] });
  assert.ok(alone.ask.prompts[0]?.kind === "chat" && alone.ask.prompts[0].messages.length === 1);
});

test("a maximum of 0 is none, as is one below", () => {
  for (const [num_predict, most] of [
    [0, -1],
    [-1, -1],
    [-2, -1],
    [1, 1],
  ] as const) {
    const asked = { messages, prompt: "a", options: { num_predict } };
    assert.equal(ollamaChatWire.understand(asked).ask.length.most, most);
    for (const raw of [true, false]) {
      assert.equal(ollamaGenerateWire.understand({ ...asked, raw }).ask.length.most, most);
    }
  }
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

for (const [what, body, field] of [
  ["tokens of an earlier answer", { context: [1, 2] }, "context"],
  ["another template", { template: "{{ .Prompt }}" }, "template"],
  ["instructions beside a raw prompt", { raw: true, system: "b" }, "system"],
  ["more alternatives than there are", { logprobs: true, top_logprobs: 21 }, "top_logprobs"],
] as const) {
  test(`${what}: refused by name`, () => {
    assert.throws(
      () => ollamaGenerateWire.understand({ prompt: "a", ...body }),
      (thrown) => thrown instanceof Failure && thrown.status === 400 && thrown.data.field === field,
    );
  });
}

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
  for (const keep_alive of [undefined, "5m", -1, 10, 0, "0s"]) {
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
    const message = { role: "assistant", content: "" };
    for (const none of [{ messages: [] }, { messages: null }, {}]) {
      const chat = ollamaChatWire.understand({ model: "m", ...none, ...asked });
      assert.equal(chat.ask.length.most, 0);
      assert.deepEqual(chat.answer(head, empty), { ...told, message, done_reason: "load" });
    }
  }
});

const token = (text: string, logprob: number, top: readonly string[] = []) => ({
  token: text,
  bytes: [...Buffer.from(text)],
  logprob,
  top: top.map((one) => ({ token: one, bytes: [...Buffer.from(one)], logprob: -2 })),
});

test("log probabilities are told where they are asked for, with alternatives where those are", () => {
  const said: GenerateEvent[] = [
    { type: "delta", choice: 0, text: "Hm", isReasoning: true, logprobs: [token("Hm", -1)] },
    { type: "delta", choice: 0, text: "", logprobs: [token("<a>", -1)] },
    { type: "delta", choice: 0, text: "Yes", logprobs: [token("Yes", -0.5, ["Yes", "No"])] },
    { type: "finish", choice: 0, reason: "stop" },
    { type: "done", usage: { promptTokens: 5, completionTokens: 3, cachedTokens: 0 } },
  ];
  const told = [
    { token: "Hm", logprob: -1, bytes: [72, 109] },
    { token: "<a>", logprob: -1, bytes: [60, 97, 62] },
    {
      token: "Yes",
      logprob: -0.5,
      bytes: [89, 101, 115],
      top_logprobs: [
        { token: "Yes", logprob: -2, bytes: [89, 101, 115] },
        { token: "No", logprob: -2, bytes: [78, 111] },
      ],
    },
  ];
  type Told = { readonly logprobs?: readonly object[] };
  for (const wire of [ollamaChatWire, ollamaGenerateWire]) {
    const asked = { messages, prompt: "a" };
    assert.equal(wire.understand({ ...asked, top_logprobs: 2 }).ask.topLogprobs, undefined);
    assert.equal(wire.understand({ ...asked, logprobs: true }).ask.topLogprobs, 0);
    const { ask, answer, stream } = wire.understand({ ...asked, logprobs: true, top_logprobs: 2 });
    assert.equal(ask.topLogprobs, 2);
    assert.deepEqual((answer(head, said) as Told).logprobs, told);
    const framesOf = stream?.(head);
    const lines = said.flatMap((event) => framesOf?.(event) ?? []).map(({ data }) => data as Told);
    assert.deepEqual(
      lines.map(({ logprobs }) => logprobs),
      [...told.map((one) => [one]), undefined],
    );
  }
});

test("an answer says where its time went, in nanoseconds, and nothing of what took none", () => {
  const { reports } = ollamaChatWire.understand({ messages });
  assert.deepEqual(reports, { reportsTimes: true });
  const usage = { promptTokens: 5, completionTokens: 3, cachedTokens: 0 };
  const timed = (lastMs: number): GenerateEvent[] => [
    { type: "accepted", promptTokens: 5, engine: { receivedMs: 1000, processId: 1 }, atMs: 1001 },
    { type: "started", choice: 0, cachedTokens: 0, atMs: 1002.5 },
    { type: "prefilled", choice: 0, chunks: 1, evaluatedTokens: 5, atMs: 1004 },
    { type: "delta", choice: 0, text: "Hi" },
    { type: "finish", choice: 0, reason: "stop", atMs: lastMs },
    { type: "done", usage },
  ];
  const times = { load_duration: 2.5e6, prompt_eval_duration: 1.5e6 };
  for (const [lastMs, told] of [
    [1010, { ...times, total_duration: 1e7, eval_duration: 6e6 }],
    [1004, { ...times, total_duration: 4e6 }],
  ] as const) {
    for (const wire of [ollamaChatWire, ollamaGenerateWire]) {
      const { answer, stream } = wire.understand({ messages, prompt: "a" });
      const framesOf = stream?.(head);
      const lines = timed(lastMs).flatMap((event) => framesOf?.(event) ?? []);
      for (const last of [answer(head, timed(lastMs)), lines.at(-1)?.data ?? {}]) {
        const durations = Object.entries(last).filter(([name]) => name.endsWith("_duration"));
        assert.deepEqual(Object.fromEntries(durations), told);
      }
    }
  }
});
