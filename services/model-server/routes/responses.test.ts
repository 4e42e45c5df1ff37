/** POST /v1/responses with the unmodified client, on an engine that says what a test tells it to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import OpenAI, { APIError, BadRequestError } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";
import { z } from "zod";

const model = "org/model:Q4";
const path = "/v1/responses";

const add: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "add",
  description: "Adds",
  strict: true,
  parameters: {
    type: "object",
    properties: { a: { type: "integer" } },
    required: ["a"],
    additionalProperties: false,
  },
};

/** The engine tells of calls itself, so nobody is to read them out of its text. */
const called = { tools: [add], tool_choice: "none" as const };

const usage = { promptTokens: 9, completionTokens: 7, cachedTokens: 4, reasoningTokens: 3 };

function says(...events: readonly Partial<GenerateEvent>[]): ScriptedEngine {
  return new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 9 };
    yield { type: "started", choice: 0, cachedTokens: 4 };
    for (const event of events) yield { choice: 0, ...event } as GenerateEvent;
  });
}

const end = (reason: "stop" | "length" | "tool_calls" = "stop") =>
  [
    { type: "finish", reason },
    { type: "done", usage },
  ] as const satisfies readonly Partial<GenerateEvent>[];

const thinking = [
  { type: "delta", text: "Hm", isReasoning: true },
  { type: "delta", text: ".", isReasoning: true },
] as const;

test("a text is answered in full, with exact usage, and what was asked is repeated", async (t) => {
  const engine = says(...thinking, { type: "delta", text: "Hi" }, ...end());
  const { clientOptions } = await serve(t, engine);
  const response = await new OpenAI(clientOptions).responses.create({
    model: "small",
    input: "Hello",
    instructions: "Be brief.",
    metadata: { topic: "demo" },
    temperature: 0.5,
    max_output_tokens: 50,
    reasoning: { effort: "low" },
  });
  assert.match(response.id, /^resp_[0-9a-f]{32}$/);
  assert.equal(response.output_text, "Hi");
  assert.equal(response.status, "completed");
  assert.equal(response.model, model);
  assert.deepEqual(response.metadata, { topic: "demo" });
  assert.deepEqual(
    [response.temperature, response.max_output_tokens, response.instructions],
    [0.5, 50, "Be brief."],
  );
  assert.deepEqual(response.usage, {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 16,
  });
  const [reasoning, message] = response.output;
  assert.ok(reasoning?.type === "reasoning" && message?.type === "message");
  assert.deepEqual(reasoning.content, [{ type: "reasoning_text", text: "Hm." }]);
  const { prompts, maxTokens } = engine.call.request;
  assert.equal(maxTokens, 50);
  assert.deepEqual(prompts, [
    {
      kind: "chat",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello" },
      ],
      templateVariables: { reasoning_effort: "low" },
    },
  ]);
});

test("what was given as output may be given back as input, and is one turn of the model's", async (t) => {
  const engine = says({ type: "delta", text: "3" }, ...end());
  const { clientOptions } = await serve(t, engine);
  await new OpenAI(clientOptions).responses.create({
    model,
    tools: [add],
    input: [
      { role: "developer", content: "Use the tool." },
      {
        role: "user",
        content: [
          { type: "input_text", text: "1" },
          { type: "input_text", text: "+2" },
        ],
      },
      {
        id: "rs_1",
        type: "reasoning",
        summary: [],
        content: [{ type: "reasoning_text", text: "Add." }],
      },
      {
        id: "msg_1",
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "So:", annotations: [] }],
      },
      { id: "fc_1", type: "function_call", call_id: "call_1", name: "add", arguments: '{"a":1}' },
      { type: "function_call_output", call_id: "call_1", output: "3" },
      { role: "assistant", content: "Three." },
      { role: "user", content: "Again?" },
    ],
  });
  const [prompt] = engine.call.request.prompts;
  assert.ok(prompt?.kind === "chat");
  const said = prompt.messages.map(({ role, content }) => [role, content]);
  // A model without tools in its template gets calls as text, between the same others.
  assert.deepEqual(
    said.map(([role]) => role),
    ["system", "user", "assistant", "user", "assistant", "user"],
  );
  assert.deepEqual(
    [said[1], said[4], said[5]],
    [
      ["user", "1\n+2"],
      ["assistant", "Three."],
      ["user", "Again?"],
    ],
  );
  assert.equal(prompt.messages[2]?.reasoning_content, "Add.");
});

test("a stream has the events of OpenAI's own, in their order and numbered", async (t) => {
  const engine = says(
    ...thinking,
    { type: "delta", text: "Hi" },
    { type: "delta", text: " there" },
    { type: "tool_call", call: 0, id: "call_1", name: "add" },
    { type: "tool_arguments", call: 0, text: '{"a":' },
    { type: "tool_arguments", call: 0, text: "1}" },
    ...end("tool_calls"),
  );
  const { clientOptions } = await serve(t, engine);
  const stream = await new OpenAI(clientOptions).responses.create({
    model,
    input: "Hello",
    ...called,
    stream: true,
  });
  const events = await Array.fromAsync(stream);
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ],
  );
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  );
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed");
  const done = events.flatMap((event) =>
    event.type === "response.output_item.done" ? [event.item] : [],
  );
  assert.deepEqual(last.response.output, done);
  assert.equal(last.response.usage?.total_tokens, 16);
});

test("the streaming helper assembles the response, and its calls", async (t) => {
  const engine = says(
    { type: "delta", text: "So" },
    { type: "tool_call", call: 0, id: "call_1", name: "add" },
    { type: "tool_arguments", call: 0, text: '{"a":1}' },
    ...end("tool_calls"),
  );
  const { clientOptions } = await serve(t, engine);
  const runner = new OpenAI(clientOptions).responses.stream({
    model,
    input: "x",
    ...called,
  });
  const heard: string[] = [];
  runner.on("response.output_text.delta", ({ delta }) => heard.push(delta));
  const response = await runner.finalResponse();
  assert.deepEqual(heard, ["So"]);
  assert.equal(response.output_text, "So");
  const call = response.output[1];
  assert.ok(call?.type === "function_call");
  assert.deepEqual([call.call_id, call.name, call.arguments], ["call_1", "add", '{"a":1}']);
});

test("the bytes of a stream are named events, and nothing after the last but a comment", async (t) => {
  const { post } = await serve(t, says({ type: "delta", text: "a" }, ...end()));
  const response = await post(path, { input: "x", stream: true });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const text = await response.text();
  assert.match(
    text,
    /^event: response\.created\ndata: \{"type":"response\.created","sequence_number":0,/,
  );
  assert.match(text, /\nevent: response\.completed\ndata: [^\n]+\n\n: done\n$/);
});

test("an answer at its limit is incomplete, and so is what it was in", async (t) => {
  const said: readonly Partial<GenerateEvent>[] = [
    { type: "delta", text: "Once" },
    ...end("length"),
  ];
  const { clientOptions } = await serve(t, says(...said));
  const client = new OpenAI(clientOptions);
  const whole = await client.responses.create({ model, input: "x", max_output_tokens: 1 });
  assert.equal(whole.status, "incomplete");
  assert.deepEqual(whole.incomplete_details, { reason: "max_output_tokens" });
  assert.ok(whole.output[0]?.type === "message");
  assert.equal(whole.output[0].status, "incomplete");
  const events = await Array.fromAsync(
    await client.responses.create({ model, input: "x", stream: true }),
  );
  assert.equal(events.at(-1)?.type, "response.incomplete");
});

test("an answer of nothing is a message without text", async (t) => {
  const { clientOptions } = await serve(t, says(...thinking, ...end()));
  const { output, output_text } = await new OpenAI(clientOptions).responses.create({
    model,
    input: "x",
  });
  assert.deepEqual(
    output.map(({ type }) => type),
    ["reasoning", "message"],
  );
  assert.equal(output_text, "");
});

test("log probabilities are those of the text, where they are asked for", async (t) => {
  const engine = new ScriptedEngine();
  const { clientOptions } = await serve(t, engine);
  const response = await new OpenAI(clientOptions).responses.create({
    model,
    input: "x",
    include: ["message.output_text.logprobs"],
    top_logprobs: 2,
  });
  const [message] = response.output;
  assert.ok(message?.type === "message" && message.content[0]?.type === "output_text");
  const { text, logprobs = [] } = message.content[0];
  assert.equal(logprobs.map(({ token }) => token).join(""), text);
  assert.deepEqual(
    logprobs.map(({ top_logprobs }) => top_logprobs.length),
    [2, 2],
  );
  assert.equal(engine.call.request.topLogprobs, 2);
});

test("a custom tool is called with its text", async (t) => {
  const engine = says(
    { type: "tool_call", call: 0, id: "call_1", name: "say" },
    { type: "tool_arguments", call: 0, text: '{"input": "a\\n' },
    { type: "tool_arguments", call: 0, text: 'b"}' },
    ...end("tool_calls"),
  );
  const { clientOptions } = await serve(t, engine);
  const events = await Array.fromAsync(
    await new OpenAI(clientOptions).responses.create({
      model,
      input: "x",
      tools: [{ type: "custom", name: "say" }],
      stream: true,
    }),
  );
  const heard = events.flatMap((event) =>
    event.type === "response.custom_tool_call_input.delta" ? [event.delta] : [],
  );
  assert.deepEqual(heard, ["a\n", "b"]);
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed");
  const [call] = last.response.output;
  assert.ok(call?.type === "custom_tool_call");
  assert.deepEqual([call.name, call.input, call.call_id], ["say", "a\nb", "call_1"]);
});

test("a form of the answer is asked of the engine, and named where it is wrong", async (t) => {
  const engine = says({ type: "delta", text: "{}" }, ...end());
  const { clientOptions } = await serve(t, engine);
  const client = new OpenAI(clientOptions);
  const schema = { type: "object", properties: {}, additionalProperties: false };
  const { text } = await client.responses.create({
    model,
    input: "x",
    text: { format: { type: "json_schema", name: "empty", schema } },
  });
  assert.deepEqual(engine.call.request.constraint?.grammar?.language, {
    kind: "schema",
    schema,
    field: "text.format.schema",
  });
  assert.deepEqual(text?.format, {
    type: "json_schema",
    name: "empty",
    schema,
    strict: true,
  });
});

test("a stream that breaks tells of it in the response and as an error", async (t) => {
  const engine = new ScriptedEngine(async function* () {
    yield { type: "accepted", promptTokens: 1 };
    yield { type: "started", choice: 0, cachedTokens: 0 };
    yield { type: "delta", choice: 0, text: "Once" };
    throw engineFailed("The engine is gone.");
  });
  const { post, clientOptions } = await serve(t, engine);
  const text = await (await post(path, { input: "x", stream: true })).text();
  const names = [...text.matchAll(/^event: (.*)$/gmu)].map(([, name]) => name);
  assert.deepEqual(names.slice(-2), ["response.failed", "error"]);
  assert.doesNotMatch(text, /: done/);
  const [failed, error] = text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .slice(-2)
    .map((line) => JSON.parse(line.slice("data: ".length)) as Record<string, unknown>);
  assert.deepEqual([failed?.["sequence_number"], error?.["sequence_number"]], [5, 6]);
  const response = failed?.["response"] as OpenAI.Responses.Response;
  assert.deepEqual([response.status, response.error?.code], ["failed", "server_error"]);
  assert.equal(response.output.length, 1);

  const client = new OpenAI({ ...clientOptions, maxRetries: 0 });
  const stream = await client.responses.create({ model, input: "x", stream: true });
  await assert.rejects(Array.fromAsync(stream), (thrown: unknown) => {
    assert.ok(thrown instanceof APIError);
    assert.equal(thrown.code, "engine_error");
    return true;
  });
});

for (const [what, body, param] of [
  ["a conversation", { conversation: "conv_1" }, "conversation"],
  ["work in the background", { background: true }, "background"],
  ["a stored prompt", { prompt: { id: "p" } }, "prompt"],
  ...[
    "web_search",
    "file_search",
    "code_interpreter",
    "computer_use",
    "image_generation",
    "mcp",
  ].map((type) => [`the hosted tool ${type}`, { tools: [{ type }] }, "tools[0].type"] as const),
  ["a hosted tool's item", { input: [{ type: "web_search_call", id: "ws_1" }] }, "input[0].type"],
  ["an unknown item", { input: [{ type: "song" }] }, "input[0].type"],
  [
    "an unknown part",
    { input: [{ role: "user", content: [{ type: "smell" }] }] },
    "input[0].content[0].type",
  ],
  [
    "a file",
    { input: [{ role: "user", content: [{ type: "input_file" }] }] },
    "input[0].content[0].file_data",
  ],
  ["no input", { input: undefined }, "input"],
  [
    "a call of an unknown tool",
    { tools: [add], tool_choice: { type: "function", name: "sub" } },
    "tool_choice.name",
  ],
  ["two tools of one name", { tools: [add, add] }, "tools[1].name"],
  ["a call of no tool", { tool_choice: "required" }, "tool_choice"],
  ["an unknown inclusion", { include: ["everything"] }, "include[0]"],
] as const) {
  test(`${what} is refused by name`, async (t) => {
    const { post } = await serve(t, new ScriptedEngine());
    const response = await post(path, { input: "x", ...body });
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    assert.equal(response.status, 400, JSON.stringify(error));
    assert.equal(error.param, param, JSON.stringify(error));
    assert.ok(error.message.includes(param), error.message);
  });
}

test("a response that is not kept is not found", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const asked = new OpenAI(clientOptions).responses.create({
    model,
    input: "x",
    previous_response_id: "resp_gone",
  });
  await assert.rejects(asked, (thrown: unknown) => {
    assert.ok(thrown instanceof APIError);
    assert.deepEqual(
      [thrown.status, thrown.code, thrown.param],
      [404, "previous_response_not_found", "previous_response_id"],
    );
    assert.match(thrown.message, /Previous response with id 'resp_gone' not found\./);
    return true;
  });
});

const message = (id: string, text: string) => {
  return { id, type: "message", role: "assistant", content: [{ type: "output_text", text }] };
};
const named = (id: string) => ({ type: "item_reference", id });

test("an item that is named by its id is read as if it stood there", async (t) => {
  const engine = says({ type: "delta", text: "3" }, ...end());
  const { post } = await serve(t, engine);
  const earlier = JSON.stringify([{ role: "user", content: "1" }, named("msg_1")]);
  const referenced = JSON.stringify([
    message("msg_1", "One."),
    { id: "rs_2", type: "reasoning", summary: [], content: [{ type: "x", text: "Hm." }] },
    message("msg_2", "Two."),
    named("msg_3"),
  ]);
  const sent = async (...ids: readonly string[]): Promise<Response> => {
    const input = [{ role: "user", content: "2" }, ...ids.map(named)];
    return post(path, earlier + referenced + JSON.stringify({ model, input }), {
      headers: {
        "content-type": "application/json",
        "x-localmodel-earlier-bytes": String(earlier.length),
        "x-localmodel-referenced-bytes": String(referenced.length),
      },
    });
  };
  assert.equal((await sent("rs_2", "msg_2")).status, 200);
  const [prompt] = engine.call.request.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(prompt.messages, [
    { role: "user", content: "1" },
    { role: "assistant", content: "One." },
    { role: "user", content: "2" },
    { role: "assistant", content: "Two.", reasoning_content: "Hm." },
  ]);
  for (const nothing of ["msg_3", "msg_4"]) {
    const refused = await sent(nothing);
    assert.equal(refused.status, 404);
    assert.match(await refused.text(), new RegExp(`Item with id '${nothing}' not found\\.`, "u"));
  }
});

test("an item that is named where no answer is kept is not found", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const input = [{ type: "item_reference" as const, id: "rs_1" }];
  const asked = new OpenAI(clientOptions).responses.create({ model, input });
  await assert.rejects(asked, { status: 404, param: "input", message: /Item with id 'rs_1'/ });
});

test("a wrong value is a 400 of the client's", async (t) => {
  const { clientOptions } = await serve(t, new ScriptedEngine());
  const asked = new OpenAI(clientOptions).responses.create({ model, input: "x", temperature: 9 });
  await assert.rejects(asked, BadRequestError);
});

test("parse gives what the schema of zod says", async (t) => {
  const engine = says({ type: "delta", text: '{"city":"Paris"}' }, ...end());
  const { clientOptions } = await serve(t, engine);
  const City = z.object({ city: z.string() });
  const response = await new OpenAI(clientOptions).responses.parse({
    model,
    input: "Where?",
    text: { format: zodTextFormat(City, "city") },
  });
  assert.deepEqual(response.output_parsed, { city: "Paris" });
  const { constraint } = engine.call.request;
  assert.ok(constraint?.grammar?.language.kind === "schema");
});

/**
 * The stream of OpenAI's own documentation for a text ("Hi there! How can I assist you today?"), shortened to two deltas:
 * names in their order, and what each event says of where it belongs.
 */
const DOCUMENTED = [
  ["response.created", ["response"]],
  ["response.in_progress", ["response"]],
  ["response.output_item.added", ["item", "output_index"]],
  ["response.content_part.added", ["content_index", "item_id", "output_index", "part"]],
  ["response.output_text.delta", ["content_index", "delta", "item_id", "logprobs", "output_index"]],
  ["response.output_text.delta", ["content_index", "delta", "item_id", "logprobs", "output_index"]],
  ["response.output_text.done", ["content_index", "item_id", "logprobs", "output_index", "text"]],
  ["response.content_part.done", ["content_index", "item_id", "output_index", "part"]],
  ["response.output_item.done", ["item", "output_index"]],
  ["response.completed", ["response"]],
] as const;

test("a text streams event by event as OpenAI's documentation shows it", async (t) => {
  const engine = says({ type: "delta", text: "Hi" }, { type: "delta", text: " there!" }, ...end());
  const { post } = await serve(t, engine);
  const text = await (await post(path, { input: "Hello!", stream: true })).text();
  const events = [...text.matchAll(/^event: (.*)\ndata: (.*)$/gmu)].map(([, name, data = ""]) => {
    const { type, sequence_number: _, ...fields } = JSON.parse(data) as Record<string, unknown>;
    assert.equal(type, name);
    return [name, Object.keys(fields).toSorted()];
  });
  assert.deepEqual(events, DOCUMENTED);
});
