import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { chatWire } from "./chat-wire.ts";
import { CustomInput } from "./custom-input.ts";

const messages = [{ role: "user", content: "Hi" }];
const head = { id: "chatcmpl-1", created: 7, model: "m", fingerprint: "fp_1" };
const parameters = { type: "object", properties: { a: { type: "integer" } } };
const one = { type: "function", function: { name: "one", description: "The first", parameters } };
const two = { type: "function", function: { name: "two" } };
const text = { type: "custom", custom: { name: "text" } };

function useOf(body: object) {
  return chatWire.understand({ messages, ...body }).ask.toolUse;
}

const FIELDS = { tools: [one, two] };

for (const [name, body, expected] of [
  ["the model decides where nothing is said", FIELDS, { choice: "auto", parallel: true }],
  ["none", { ...FIELDS, tool_choice: "none" }, { choice: "none", parallel: true }],
  [
    "required, one at a time",
    { ...FIELDS, tool_choice: "required", parallel_tool_calls: false },
    { choice: "required", parallel: false },
  ],
  ["required", { ...FIELDS, tool_choice: "required" }, { choice: "required", parallel: false }],
  [
    "required, several at a time",
    { ...FIELDS, tool_choice: "required", parallel_tool_calls: true },
    { choice: "required", parallel: true },
  ],
  [
    "one by its name",
    { ...FIELDS, tool_choice: { type: "function", function: { name: "two" } } },
    { choice: "required", among: ["two"], parallel: false },
  ],
  [
    "some of them",
    {
      tools: [one, two, text],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: {
          mode: "auto",
          tools: [text, two].map(({ type, ...tool }) => ({ type, ...tool })),
        },
      },
    },
    { choice: "auto", among: ["text", "two"], parallel: true },
  ],
  [
    "a function in the older words",
    { functions: [one.function], function_call: { name: "one" } },
    { choice: "required", among: ["one"], parallel: false },
  ],
] as const) {
  test(`tool choice: ${name}`, () => {
    const { tools, ...use } = useOf(body) ?? { tools: [] };
    assert.deepEqual(use, expected);
    assert.ok(tools.length > 0);
  });
}

test("a request without tools uses none, whatever it chooses", () => {
  assert.equal(useOf({ tools: [], tool_choice: "none", parallel_tool_calls: true }), undefined);
  assert.equal(useOf({ tool_choice: "auto" }), undefined);
});

function definition(name: string, description: string, schema: object) {
  return { type: "function", function: { name, description, parameters: schema } };
}

test("templates get every tool with all of its fields, custom ones as functions of one text", () => {
  const { ask } = chatWire.understand({ messages, tools: [one, two, text] });
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(prompt.tools, [
    definition("one", "The first", parameters),
    definition("two", "", { type: "object", properties: {} }),
    definition("text", "", {
      type: "object",
      properties: { input: { type: "string" } },
      required: ["input"],
    }),
  ]);
});

const called: GenerateEvent[] = [
  { type: "accepted", promptTokens: 1 },
  { type: "started", choice: 0, cachedTokens: 0 },
  { type: "delta", choice: 0, text: "Let me see." },
  { type: "delta", choice: 0, text: "" },
  { type: "tool_call", choice: 0, call: 0, id: "call_1", name: "one" },
  { type: "tool_arguments", choice: 0, call: 0, text: '{"a"' },
  { type: "tool_arguments", choice: 0, call: 0, text: ": 1}" },
  { type: "tool_call", choice: 0, call: 1, id: "call_2", name: "text" },
  { type: "tool_arguments", choice: 0, call: 1, text: '{"input": "say \\' },
  { type: "tool_arguments", choice: 0, call: 1, text: '"hi\\""}' },
  { type: "finish", choice: 0, reason: "tool_calls" },
  { type: "done", usage: { promptTokens: 1, completionTokens: 9, cachedTokens: 0 } },
];

test("a complete answer has its calls beside its text", () => {
  const understood = chatWire.understand({ messages, tools: [one, text] });
  const answer = understood.answer(head, called) as { choices: unknown[] };
  assert.deepEqual(answer.choices, [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "Let me see.",
        refusal: null,
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "one", arguments: '{"a": 1}' } },
          { id: "call_2", type: "custom", custom: { name: "text", input: 'say "hi"' } },
        ],
      },
      logprobs: null,
      finish_reason: "tool_calls",
    },
  ]);
});

test("an answer of calls alone has null for its content, and in the older words one call", () => {
  const understood = chatWire.understand({ messages, functions: [one.function] });
  const silent = called.filter(
    (event) => event.type !== "delta" && !("call" in event && event.call > 0),
  );
  const { choices } = understood.answer(head, silent) as { choices: [Record<string, unknown>] };
  assert.deepEqual(choices[0]["message"], {
    role: "assistant",
    content: null,
    refusal: null,
    function_call: { name: "one", arguments: '{"a": 1}' },
  });
  assert.equal(choices[0]["finish_reason"], "function_call");
});

test("a stream tells of each call once, then of its arguments", () => {
  const { stream } = chatWire.understand({ messages, tools: [one, text], stream: true });
  const frames = called.flatMap(stream?.(head) ?? (() => []));
  const choices = frames.map(({ data }) => (data as { choices: [{ delta: object }] }).choices[0]);
  assert.deepEqual(
    choices.map(({ delta }) => delta),
    [
      { role: "assistant", content: null, refusal: null },
      { content: "Let me see." },
      {
        tool_calls: [
          { index: 0, id: "call_1", type: "function", function: { name: "one", arguments: "" } },
        ],
      },
      { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ": 1}" } }] },
      {
        tool_calls: [
          { index: 1, id: "call_2", type: "custom", custom: { name: "text", input: "" } },
        ],
      },
      { tool_calls: [{ index: 1, custom: { input: "say " } }] },
      { tool_calls: [{ index: 1, custom: { input: '"hi"' } }] },
      {},
    ],
  );
});

test("a stream in the older words has one function call", () => {
  const { stream } = chatWire.understand({ messages, functions: [one.function], stream: true });
  const frames = [called[1]!, ...called.slice(4, 7), called[10]!].flatMap(
    stream?.(head) ?? (() => []),
  );
  const choices = frames.map(
    ({ data }) => (data as { choices: [Record<string, unknown>] }).choices[0],
  );
  assert.deepEqual(
    choices.map(({ delta }) => delta),
    [
      { role: "assistant", content: null, refusal: null },
      { function_call: { name: "one", arguments: "" } },
      { function_call: { arguments: '{"a"' } },
      { function_call: { arguments: ": 1}" } },
      {},
    ],
  );
  assert.equal(choices.at(-1)?.["finish_reason"], "function_call");
});

test("the text of a custom tool is the same however its JSON comes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.array(fc.nat(200)),
      fc.boolean(),
      (input, places, ascii) => {
        const plain = `{"input": ${JSON.stringify(input)}}`;
        const json = ascii
          ? plain.replaceAll(
              /[\u0080-\uffff]/g,
              (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
            )
          : plain;
        const cuts = [
          0,
          ...places.map((place) => place % json.length).toSorted((a, b) => a - b),
          json.length,
        ];
        const reader = new CustomInput();
        const pieces = cuts.slice(1).map((end, i) => reader.push(json.slice(cuts[i], end)));
        assert.equal(pieces.join(""), input);
        if (ascii) for (const piece of pieces) assert.ok(piece.isWellFormed());
      },
    ),
  );
});
