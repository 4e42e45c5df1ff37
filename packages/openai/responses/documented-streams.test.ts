/**
 * The streams that OpenAI documents, of a text and of a call, event by event: the same events in the same order, with all their
 * fields. The texts are others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { assertForm } from "../../../test/support/documented-form.ts";
import { responsesWire } from "./responses-wire.ts";

const head = { id: "resp_0123", created: 1, model: "m", fingerprint: "fp_1" };
const usage = { promptTokens: 9, completionTokens: 3, cachedTokens: 0 };

const responseOf = (status: string, output: readonly object[], used: object | null) => ({
  id: "resp_1",
  object: "response",
  created_at: 1,
  status,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  model: "m",
  output,
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  store: true,
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
  ...(used !== null && { usage: used }),
  metadata: {},
});
const used = {
  input_tokens: 9,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 12,
};

const part = (text: string) => ({ type: "output_text", text, annotations: [] });
const message = (status: string, content: readonly object[]) => ({
  id: "msg_1",
  type: "message",
  status,
  role: "assistant",
  content,
});
const called = (status: string, args: string) => ({
  id: "fc_1",
  type: "function_call",
  status,
  arguments: args,
  call_id: "call_1",
  name: "add",
});
const opening = [
  { type: "response.created", response: responseOf("in_progress", [], null) },
  { type: "response.in_progress", response: responseOf("in_progress", [], null) },
];
const at = { item_id: "item", output_index: 0 };
const inPart = { ...at, content_index: 0 };

const TEXT = [
  ...opening,
  { type: "response.output_item.added", output_index: 0, item: message("in_progress", []) },
  { type: "response.content_part.added", ...inPart, part: part("") },
  { type: "response.output_text.delta", ...inPart, delta: "Good" },
  { type: "response.output_text.delta", ...inPart, delta: " day" },
  { type: "response.output_text.done", ...inPart, text: "Good day" },
  { type: "response.content_part.done", ...inPart, part: part("Good day") },
  {
    type: "response.output_item.done",
    output_index: 0,
    item: message("completed", [part("Good day")]),
  },
  {
    type: "response.completed",
    response: responseOf("completed", [message("completed", [part("Good day")])], used),
  },
];

const tools = [{ type: "function", name: "add", parameters: {}, strict: true }];
const CALL = [
  ...opening.map(({ type, response }) => ({ type, response: { ...response, tools } })),
  { type: "response.output_item.added", output_index: 0, item: called("in_progress", "") },
  { type: "response.function_call_arguments.delta", ...at, delta: "{" },
  { type: "response.function_call_arguments.delta", ...at, delta: "}" },
  { type: "response.function_call_arguments.done", ...at, arguments: "{}" },
  { type: "response.output_item.done", output_index: 0, item: called("completed", "{}") },
  {
    type: "response.completed",
    response: {
      ...responseOf("completed", [called("completed", "{}")], used),
      tools,
    },
  },
];

const begun: readonly GenerateEvent[] = [
  { type: "accepted", promptTokens: 9 },
  { type: "started", choice: 0, cachedTokens: 0 },
];
const add = { type: "function", name: "add", parameters: { type: "object", properties: {} } };

for (const [what, documented, body, events] of [
  [
    "a text",
    TEXT,
    {},
    [
      { type: "delta", choice: 0, text: "Good" },
      { type: "delta", choice: 0, text: " day" },
      { type: "finish", choice: 0, reason: "stop" },
    ],
  ],
  [
    "a call",
    CALL,
    { tools: [add] },
    [
      { type: "tool_call", choice: 0, call: 0, id: "call_1", name: "add" },
      { type: "tool_arguments", choice: 0, call: 0, text: "{" },
      { type: "tool_arguments", choice: 0, call: 0, text: "}" },
      { type: "finish", choice: 0, reason: "tool_calls" },
    ],
  ],
] as const) {
  test(`the stream of ${what} has the events that OpenAI documents`, () => {
    const keeper = { earlier: [], referenced: [] };
    const { stream } = responsesWire.understand({ input: "x", stream: true, ...body }, keeper);
    const framesOf = stream?.(head);
    const all: readonly GenerateEvent[] = [...begun, ...events, { type: "done", usage }];
    const frames = all.flatMap((event) => framesOf?.(event) ?? []);
    assert.deepEqual(
      frames.map(({ event }) => event),
      documented.map(({ type }) => type),
    );
    for (const [index, frame] of frames.entries()) {
      const expected = documented[index];
      assert.equal(frame.event, (frame.data as { type: string }).type);
      assertForm({ ...expected, sequence_number: index }, frame.data, String(expected?.type));
    }
  });
}
