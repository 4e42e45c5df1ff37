import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseChatRequest } from "../chat/chat-request.ts";
import { parseCompletionRequest, samplesPerPrompt } from "../completions/completion-request.ts";
import { parseEmbeddingRequest } from "../embeddings/embedding-request.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { ignoredHeader } from "./request-parser.ts";

const messages = [{ role: "user", content: "Hello" }];
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const parsers = {
  chat: parseChatRequest,
  completion: parseCompletionRequest,
  embedding: parseEmbeddingRequest,
};

function refusalOf(parse: (body: unknown) => unknown, body: unknown): Failure {
  try {
    parse(body);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted ${JSON.stringify(body).slice(0, 200)}` });
}

type Refused = [name: string, body: unknown, param: string | null, code: string];

const refusedChats: Refused[] = [
  ["a body that is a string", "hi", null, "invalid_type"],
  ["a body that is null", null, null, "invalid_type"],
  ["a body that is an array", [], null, "invalid_type"],
  ["no messages", {}, "messages", "missing_required_parameter"],
  ["messages that are null", { messages: null }, "messages", "missing_required_parameter"],
  ["messages that are text", { messages: "hi" }, "messages", "invalid_type"],
  ["an empty conversation", { messages: [] }, "messages", "empty_array"],
  ["too many messages", { messages: Array(20_000).fill(1) }, "messages", "array_above_max_length"],
  ["a message that is null", { messages: [null] }, "messages[0]", "invalid_type"],
  [
    "a message without a role",
    { messages: [{}] },
    "messages[0].role",
    "missing_required_parameter",
  ],
  ["an unknown role", { messages: [{ role: "god" }] }, "messages[0].role", "invalid_value"],
  ["a role that is a number", { messages: [{ role: 1 }] }, "messages[0].role", "invalid_type"],
  ["no content", user(undefined), "messages[0].content", "missing_required_parameter"],
  ["null content", user(null), "messages[0].content", "missing_required_parameter"],
  ["content that is a number", user(1), "messages[0].content", "invalid_type"],
  ["content without parts", user([]), "messages[0].content", "empty_array"],
  ["a part that is text", user(["hi"]), "messages[0].content[0]", "invalid_type"],
  [
    "a part without a type",
    user([{}]),
    "messages[0].content[0].type",
    "missing_required_parameter",
  ],
  ["an unknown part", user([{ type: "x" }]), "messages[0].content[0].type", "invalid_value"],
  [
    "a text part without text",
    user([{ type: "text" }]),
    "messages[0].content[0].text",
    "missing_required_parameter",
  ],
  ["audio", user([{ type: "audio_url" }]), "messages[0].content[0]", "model_not_multimodal"],
  ["a video", user([{ type: "video_url" }]), "messages[0].content[0]", "model_not_multimodal"],
  [
    "an assistant that says and calls nothing",
    { messages: [{ role: "assistant", content: null }] },
    "messages[0].content",
    "missing_required_parameter",
  ],
  [
    "a tool result without the call it answers",
    { messages: [{ role: "tool", content: "4" }] },
    "messages[0].tool_call_id",
    "missing_required_parameter",
  ],
  [
    "a tool call with arguments that are no object",
    { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: 5 } }] }] },
    "messages[0].tool_calls[0].function.arguments",
    "invalid_type",
  ],
  ["a temperature in quotes", { messages, temperature: "1" }, "temperature", "invalid_type"],
  ["a high temperature", { messages, temperature: 2.5 }, "temperature", "decimal_above_max_value"],
  ["a low top_p", { messages, top_p: -0.1 }, "top_p", "decimal_below_min_value"],
  ["an infinite temperature", { messages, temperature: Infinity }, "temperature", "invalid_type"],
  [
    "a temperature that is no number",
    { messages, temperature: NaN },
    "temperature",
    "invalid_type",
  ],
  [
    "a repeat penalty to divide by zero",
    { messages, repeat_penalty: 0 },
    "repeat_penalty",
    "integer_below_min_value",
  ],
  ["n of zero", { messages, n: 0 }, "n", "integer_below_min_value"],
  ["n of 129", { messages, n: 129 }, "n", "integer_above_max_value"],
  ["half a choice", { messages, n: 1.5 }, "n", "invalid_type"],
  ["max_tokens of -2", { messages, max_tokens: -2 }, "max_tokens", "integer_below_min_value"],
  ["half a min_tokens", { messages, min_tokens: 1.5 }, "min_tokens", "invalid_type"],
  ["min_tokens of -1", { messages, min_tokens: -1 }, "min_tokens", "integer_below_min_value"],
  [
    "template variables in quotes",
    { messages, chat_template_kwargs: '{"enable_thinking":false}' },
    "chat_template_kwargs",
    "invalid_type",
  ],
  [
    "template variables that replace the server's",
    { messages, chat_template_kwargs: { messages: [] } },
    "chat_template_kwargs",
    "invalid_value",
  ],
  [
    "a book as a template variable",
    { messages, chat_template_kwargs: { context: "x".repeat(20_000) } },
    "chat_template_kwargs",
    "object_above_max_length",
  ],
  [
    "a template of its own",
    { messages, chat_template: "{{ messages }}" },
    "chat_template",
    "unsupported_parameter",
  ],
  [
    "an answer to be continued",
    { messages, add_generation_prompt: false },
    "add_generation_prompt",
    "unsupported_parameter",
  ],
  ["a fractional seed", { messages, seed: 1.5 }, "seed", "invalid_type"],
  ["a seed beyond 64 bits", { messages, seed: 1e300 }, "seed", "integer_above_max_value"],
  [
    "65 stops",
    { messages, stop: Array.from({ length: 65 }, () => "a") },
    "stop",
    "array_above_max_length",
  ],
  ["a stop that is a number", { messages, stop: 1 }, "stop", "invalid_type"],
  ["a null among the stops", { messages, stop: ["a", null] }, "stop[1]", "invalid_type"],
  ["an endless stop", { messages, stop: "x".repeat(2000) }, "stop", "string_above_max_length"],
  ["a bias for a word", { messages, logit_bias: { foo: 1 } }, "logit_bias", "invalid_value"],
  ["a bias for token -1", { messages, logit_bias: { "-1": 1 } }, "logit_bias", "invalid_value"],
  [
    "a bias of 101",
    { messages, logit_bias: { 5: 101 } },
    "logit_bias.5",
    "integer_above_max_value",
  ],
  ["a list of biases", { messages, logit_bias: [[5, 1]] }, "logit_bias", "invalid_type"],
  ["stream in quotes", { messages, stream: "true" }, "stream", "invalid_type"],
  [
    "include_usage of one",
    { messages, stream_options: { include_usage: 1 } },
    "stream_options.include_usage",
    "invalid_type",
  ],
  ["top_logprobs alone", { messages, top_logprobs: 2 }, "top_logprobs", "unsupported_parameter"],
  [
    "21 alternatives",
    { messages, logprobs: true, top_logprobs: 21 },
    "top_logprobs",
    "integer_above_max_value",
  ],
  [
    "a tool that is none",
    { messages, tools: [{ type: "function" }] },
    "tools[0].function",
    "missing_required_parameter",
  ],
  ["tools that are an object", { messages, tools: {} }, "tools", "invalid_type"],
  [
    "513 tools",
    { messages, tools: Array.from({ length: 513 }, () => ({})) },
    "tools",
    "array_above_max_length",
  ],
  [
    "a tool of the server's own",
    { messages, tools: [tool("f"), { type: "web_search" }] },
    "tools[1].type",
    "invalid_value",
  ],
  [
    "a tool with a name that cannot be called",
    { messages, tools: [tool("f"), tool("g h")] },
    "tools[1].function.name",
    "invalid_value",
  ],
  [
    "two tools of one name",
    { messages, tools: [tool("f"), tool("g"), tool("f")] },
    "tools[2].function.name",
    "invalid_value",
  ],
  [
    "parameters that are no schema",
    { messages, tools: [{ type: "function", function: { name: "f", parameters: [] } }] },
    "tools[0].function.parameters",
    "invalid_type",
  ],
  [
    "a grammar that nobody here reads",
    {
      messages,
      tools: [
        {
          type: "custom",
          custom: {
            name: "f",
            format: { type: "grammar", grammar: { syntax: "gbnf", definition: "root ::= A" } },
          },
        },
      ],
    },
    "tools[0].custom.format.grammar.syntax",
    "invalid_value",
  ],
  [
    "tools of more than a mebibyte",
    { messages, tools: [tool("f", "x".repeat(1024 * 1024))] },
    "tools",
    "array_above_max_length",
  ],
  ["required tools", { messages, tool_choice: "required" }, "tool_choice", "invalid_value"],
  [
    "a required tool of none",
    { messages, tool_choice: named("f") },
    "tool_choice",
    "invalid_value",
  ],
  [
    "a choice that there is not",
    { messages, tools: [tool("f")], tool_choice: "always" },
    "tool_choice",
    "invalid_value",
  ],
  [
    "a required tool that there is not",
    { messages, tools: [tool("f")], tool_choice: named("g") },
    "tool_choice.function.name",
    "invalid_value",
  ],
  [
    "an allowed tool that there is not",
    {
      messages,
      tools: [tool("f")],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [named("f"), named("g")] },
      },
    },
    "tool_choice.allowed_tools.tools[1].function.name",
    "invalid_value",
  ],
  [
    "tools in two ways",
    { messages, tools: [tool("f")], functions: [{ name: "g" }] },
    "functions",
    "invalid_value",
  ],
  [
    "a function call without functions",
    { messages, function_call: { name: "f" } },
    "function_call",
    "invalid_value",
  ],
  [
    "a function that there is not",
    { messages, functions: [{ name: "f" }], function_call: { name: "g" } },
    "function_call.name",
    "invalid_value",
  ],
  [
    "a format without its schema",
    { messages, response_format: { type: "json_schema", json_schema: { name: "n" } } },
    "response_format.json_schema.schema",
    "missing_required_parameter",
  ],
  [
    "a schema that is a text",
    { messages, response_format: { type: "json_schema", json_schema: { schema: "{}" } } },
    "response_format.json_schema.schema",
    "invalid_type",
  ],
  [
    "an unknown format",
    { messages, response_format: { type: "yaml" } },
    "response_format.type",
    "invalid_value",
  ],
  ["speech", { messages, modalities: ["text", "audio"] }, "modalities", "unsupported_parameter"],
  ["a voice", { messages, audio: { voice: "alloy" } }, "audio", "unsupported_parameter"],
  [
    "a web search",
    { messages, web_search_options: {} },
    "web_search_options",
    "unsupported_parameter",
  ],
  [
    "two formats",
    { messages, guided_json: { type: "object" }, grammar: "root ::= [a-z]" },
    "grammar",
    "unsupported_parameter",
  ],
  [
    "a structural tag",
    { messages, structured_outputs: { structural_tag: "{}" } },
    "structured_outputs.structural_tag",
    "unsupported_parameter",
  ],
  [
    "JSON that is no schema",
    { messages, structured_outputs: { json: "[1]" } },
    "structured_outputs.json",
    "invalid_type",
  ],
  ["a choice of one text", { messages, guided_choice: "a" }, "guided_choice", "invalid_type"],
  ["metadata of numbers", { messages, metadata: { a: 1 } }, "metadata.a", "invalid_type"],
  [
    "17 metadata entries",
    { messages, metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ""])) },
    "metadata",
    "invalid_value",
  ],
  ["a long name", { messages, metadata: { ["k".repeat(65)]: "" } }, "metadata", "invalid_value"],
];

const refusedCompletions: Refused[] = [
  ["no prompts", { prompt: [] }, "prompt", "empty_array"],
  ["a prompt that is an object", { prompt: {} }, "prompt", "invalid_type"],
  ["a mix of texts and tokens", { prompt: ["a", [1]] }, "prompt[1]", "invalid_type"],
  ["a mix of tokens and texts", { prompt: [1, "a"] }, "prompt[1]", "invalid_type"],
  ["half a token", { prompt: [[1], [2, 0.5]] }, "prompt[1][1]", "invalid_type"],
  ["a negative token", { prompt: [-1] }, "prompt[0]", "invalid_type"],
  ["a prompt of no tokens", { prompt: [[1], []] }, "prompt[1]", "empty_array"],
  ["too many prompts", { prompt: Array(2049).fill("a") }, "prompt", "array_above_max_length"],
  [
    "too many completions",
    { prompt: Array(1025).fill("a"), n: 2 },
    "prompt",
    "unsupported_parameter",
  ],
  ["best_of below n", { prompt: "a", n: 2, best_of: 1 }, "best_of", "unsupported_parameter"],
  [
    "a streamed best_of",
    { prompt: "a", best_of: 2, stream: true },
    "best_of",
    "unsupported_parameter",
  ],
  ["best_of 21", { prompt: "a", best_of: 21 }, "best_of", "integer_above_max_value"],
  ["six logprobs", { prompt: "a", logprobs: 6 }, "logprobs", "integer_above_max_value"],
  ["messages", { messages }, "messages", "unsupported_parameter"],
  [
    "an unknown format",
    { prompt: "a", response_format: { type: "yaml" } },
    "response_format.type",
    "invalid_value",
  ],
  ["logprobs of true", { prompt: "a", logprobs: true }, "logprobs", "invalid_type"],
  ["a suffix to tokens", { prompt: [1], suffix: "b" }, "suffix", "unsupported_parameter"],
  [
    "a suffix with echo",
    { prompt: "a", suffix: "b", echo: true },
    "suffix",
    "unsupported_parameter",
  ],
];

const refusedEmbeddings: Refused[] = [
  ["no input", {}, "input", "missing_required_parameter"],
  ["a null input", { input: null }, "input", "missing_required_parameter"],
  ["an empty text", { input: "" }, "input", "empty_string"],
  ["an empty text in a list", { input: ["a", ""] }, "input[1]", "empty_string"],
  ["an empty list", { input: [] }, "input", "empty_array"],
  [
    "an unknown encoding",
    { input: "a", encoding_format: "int8" },
    "encoding_format",
    "invalid_value",
  ],
  ["no dimensions", { input: "a", dimensions: 0 }, "dimensions", "integer_below_min_value"],
];

for (const [kind, table] of [
  ["chat", refusedChats],
  ["completion", refusedCompletions],
  ["embedding", refusedEmbeddings],
] as const) {
  for (const [name, body, param, code] of table) {
    test(`a ${kind} request with ${name} is refused by name`, () => {
      const error = refusalOf(parsers[kind], body);
      assert.deepEqual(
        { status: error.status, param: error.field, code: error.code },
        { status: 400, param, code },
        error.message,
      );
      if (param !== null) assert.ok(error.message.includes(param), error.message);
    });
  }
}

test("text parts become one text, in order, on lines of their own", () => {
  const { request } = parseChatRequest(
    user([
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ]),
  );
  assert.equal(request.messages[0]?.content, "one\ntwo");
});

function tool(name: string, description = "") {
  return { type: "function", function: { name, description } };
}

function named(name: string) {
  return { type: "function", function: { name } };
}

test("calls whose arguments are an object, and of custom tools, are calls like others", () => {
  const { request } = parseChatRequest({
    messages: [
      {
        role: "assistant",
        tool_calls: [
          { id: "1", function: { name: "f", arguments: { a: "\ud800" } } },
          { id: "2", type: "custom", custom: { name: "g", input: 'say "hi"' } },
        ],
      },
    ],
  });
  const [message] = request.messages;
  assert.ok(message?.role === "assistant" && "tool_calls" in message);
  assert.deepEqual(message.tool_calls, [
    { id: "1", type: "function", function: { name: "f", arguments: '{"a":"\ufffd"}' } },
    { id: "2", type: "function", function: { name: "g", arguments: '{"input":"say \\"hi\\""}' } },
  ]);
});

test("a conversation with tool calls in its history is understood", () => {
  const call = { id: "1", type: "function", function: { name: "add", arguments: "{}" } };
  const { request } = parseChatRequest({
    messages: [
      { role: "assistant", content: null, tool_calls: [call], reasoning: "hm" },
      { role: "tool", content: "4", tool_call_id: "1" },
      { role: "assistant", content: null, function_call: { name: "add", arguments: "{}" } },
    ],
  });
  assert.deepEqual(request.messages, [
    { role: "assistant", content: "", reasoning_content: "hm", tool_calls: [call] },
    { role: "tool", content: "4", tool_call_id: "1" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ type: "function", function: { name: "add", arguments: "{}" } }],
    },
  ]);
});

test("half an emoji becomes a replacement character, as in any UTF-8 encoder", () => {
  const { request } = parseChatRequest(user("a\ud83d"));
  assert.equal(request.messages[0]?.content, "a\ufffd");
});

test("stop strings are a list without empty ones, whatever form they came in", () => {
  for (const [sent, expected] of [
    ["a", ["a"]],
    ["", []],
    [[], []],
    [["a", ""], ["a"]],
    [Array.from({ length: 64 }, (_, i) => `s${i}`), Array.from({ length: 64 }, (_, i) => `s${i}`)],
    [
      Array.from({ length: 100 }, (_, i) => (i < 36 ? "" : "s")),
      Array.from({ length: 64 }, () => "s"),
    ],
    [null, undefined],
  ]) {
    assert.deepEqual(parseChatRequest({ messages, stop: sent }).request.stop, expected);
  }
});

test("a bias of zero is nothing, even for a key that is no token", () => {
  const { request } = parseChatRequest({ messages, logit_bias: { foo: 0, 7: -100, 8: 0.5 } });
  assert.deepEqual(request.logit_bias, [
    [7, -100],
    [8, 0.5],
  ]);
});

test("a bias or an entry that is null is not there", () => {
  const { request } = parseChatRequest({
    messages,
    logit_bias: { 1: null, 2: 1 },
    metadata: { a: null },
  });
  assert.deepEqual(request.logit_bias, [[2, 1]]);
  assert.deepEqual(request.metadata, {});
});

test("template variables arrive as they were sent, in whole characters", () => {
  const sent = { enable_thinking: false, depth: { list: [null, 1.5, "\ud83d"] }, "\ud83d": null };
  const { request, ignored } = parseChatRequest({ messages, chat_template_kwargs: sent });
  assert.deepEqual(request.chat_template_kwargs, {
    enable_thinking: false,
    depth: { list: [null, 1.5, "\ufffd"] },
    "\ufffd": null,
  });
  assert.deepEqual(ignored, []);
});

test("every integer is a seed, but for -1, which asks for a random one", () => {
  for (const seed of [0, -2, -9007199254740991, 2 ** 60]) {
    assert.equal(parseChatRequest({ messages, seed }).request.seed, seed);
  }
  assert.equal(parseChatRequest({ messages, seed: -1 }).request.seed, undefined);
});

for (const [sent, inputs] of [
  ["a", ["a"]],
  [
    ["a", "b"],
    ["a", "b"],
  ],
  [[1, 2], [[1, 2]]],
  [
    [[1], [2, 3]],
    [[1], [2, 3]],
  ],
  ["", [""]],
  [null, [""]],
  [undefined, [""]],
] as const) {
  test(`the prompt ${JSON.stringify(sent)} is ${inputs.length} input(s)`, () => {
    assert.deepEqual(parseCompletionRequest({ prompt: sent }).request.prompt, inputs);
  });
}

test("best_of counts when it is set, n otherwise", () => {
  assert.equal(samplesPerPrompt({}), 1);
  assert.equal(samplesPerPrompt({ n: 3 }), 3);
  assert.equal(samplesPerPrompt({ n: 1, best_of: 0 }), 1);
  assert.equal(samplesPerPrompt({ n: 2, best_of: 5 }), 5);
});

test("what the API service honours is not reported as ignored", () => {
  const { ignored } = parseChatRequest({ messages, keep_alive: "5m", ttl: 60, other: 1 });
  assert.deepEqual(ignored, ["other"]);
});

test("harmless values of unsupported fields are accepted, and not reported as ignored", () => {
  const { ignored } = parseChatRequest({
    messages,
    tools: [],
    tool_choice: "auto",
    function_call: "none",
    response_format: { type: "text" },
    modalities: ["text"],
    guided_json: null,
    stop_token_ids: [],
    chat_template: "",
    add_generation_prompt: true,
    continue_final_message: false,
  });
  assert.deepEqual(ignored, []);
  const completion = parseCompletionRequest({ tools: [], response_format: { type: "text" } });
  assert.deepEqual(completion.ignored, []);
});

test("every documented field is accepted with a harmless value", () => {
  const { ignored } = parseChatRequest({
    messages: [{ role: "user", content: "Hi", name: "me" }],
    model: "m",
    frequency_penalty: -2,
    presence_penalty: 2,
    logit_bias: { foo: 0 },
    logprobs: true,
    top_logprobs: 0,
    max_completion_tokens: 1,
    max_tokens: 0,
    metadata: { foo: "string" },
    n: 1,
    parallel_tool_calls: true,
    prediction: { type: "content", content: "string" },
    prompt_cache_key: "prompt-cache-key-1234",
    prompt_cache_retention: "in_memory",
    reasoning_effort: "none",
    safety_identifier: "safety-identifier-1234",
    seed: -9007199254740991,
    service_tier: "auto",
    stop: "\n",
    store: true,
    stream: false,
    stream_options: { include_obfuscation: true, include_usage: true },
    temperature: 1,
    top_p: 1,
    user: "user-1234",
    verbosity: "low",
  });
  assert.deepEqual(
    ignored,
    `metadata prediction prompt_cache_key prompt_cache_retention
     safety_identifier service_tier store user verbosity`.split(/\s+/),
  );
});

test("fields without effect are reported, nulls are not", () => {
  const { ignored } = parseChatRequest({
    messages,
    user: "me",
    store: null,
    frobnicate: 1,
    mirostat: null,
  });
  assert.deepEqual(ignored, ["user", "frobnicate"]);
});

test("the header of ignored fields is bounded and always a valid header value", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 200 }),
      (names) => {
        const value = ignoredHeader(names);
        assert.ok(value.length <= 1100);
        assert.doesNotThrow(() => new Headers({ "x-ignored-params": value }));
      },
    ),
  );
});

const FIELD_NAMES =
  "model messages prompt input stop logit_bias tools n seed stream_options metadata response_format role content type __proto__".split(
    " ",
  );

test("whatever the JSON, a parser returns or throws an Failure with status 400", () => {
  const names = fc.constantFrom(...FIELD_NAMES);
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<unknown>(
        null,
        true,
        0,
        -1,
        1.5,
        1e300,
        "",
        "user",
        "assistant",
        "text",
        "\ud800",
      ),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(names, fc.string()), tie("tree"), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(...Object.values(parsers)), (body, parse) => {
      try {
        parse(JSON.parse(JSON.stringify(body)));
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
        assert.equal(error.status, 400);
        assert.ok(error.message.length < 1000);
        assert.ok((error.field ?? "").length <= 200);
      }
    }),
    { numRuns: 2000 },
  );
});
