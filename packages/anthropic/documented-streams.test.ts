/**
 * The streams that Anthropic documents, of a text, of a call behind a text and of thinking, event by event: the same events in
 * the same order, with all their fields. The texts are others; `ping` may stand anywhere, and only where nothing is told.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { assertForm } from "../../test/support/documented-form.ts";
import { messagesWire } from "./messages-wire.ts";

const head = { id: "msg_1", created: 1, model: "m", fingerprint: "fp_1" };
const usage = { promptTokens: 9, completionTokens: 3, cachedTokens: 0 };

const start = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [],
    model: "m",
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 9, output_tokens: 1 },
  },
};
const ending = (stop_reason: string) => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 3 },
});
const opens = (index: number, content_block: object) => ({
  type: "content_block_start",
  index,
  content_block,
});
const tells = (index: number, delta: object) => ({ type: "content_block_delta", index, delta });
const stops = (index: number) => ({ type: "content_block_stop", index });
const says = (index: number, text: string) => tells(index, { type: "text_delta", text });
const writes = (partial_json: string) => tells(1, { type: "input_json_delta", partial_json });
const thinks = (thinking: string) => tells(0, { type: "thinking_delta", thinking });

const TEXT = [
  start,
  opens(0, { type: "text", text: "" }),
  says(0, "Good"),
  says(0, " day"),
  stops(0),
  ending("end_turn"),
];
const CALL = [
  start,
  opens(0, { type: "text", text: "" }),
  says(0, "I look."),
  stops(0),
  opens(1, { type: "tool_use", id: "toolu_1", name: "look", input: {} }),
  writes("{"),
  writes("}"),
  stops(1),
  ending("tool_use"),
];
const THINKING = [
  start,
  opens(0, { type: "thinking", thinking: "" }),
  thinks("Nine"),
  thinks(" and one."),
  tells(0, { type: "signature_delta", signature: "" }),
  stops(0),
  opens(1, { type: "text", text: "" }),
  says(1, "Ten."),
  stops(1),
  ending("end_turn"),
];

const said = (text: string): GenerateEvent => ({ type: "delta", choice: 0, text });
const thought = (text: string): GenerateEvent => ({
  type: "delta",
  choice: 0,
  text,
  isReasoning: true,
});
const finish = (reason: "stop" | "tool_calls"): GenerateEvent => ({
  type: "finish",
  choice: 0,
  reason,
});

for (const [what, documented, events] of [
  ["a text", TEXT, [said("Good"), said(" day"), finish("stop")]],
  [
    "a call behind a text",
    CALL,
    [
      said("I look."),
      { type: "tool_call", choice: 0, call: 0, id: "toolu_1", name: "look" },
      { type: "tool_arguments", choice: 0, call: 0, text: "{" },
      { type: "tool_arguments", choice: 0, call: 0, text: "}" },
      finish("tool_calls"),
    ],
  ],
  [
    "thinking and a text",
    THINKING,
    [thought("Nine"), thought(" and one."), said("Ten."), finish("stop")],
  ],
] as readonly (readonly [string, readonly { type: string }[], readonly GenerateEvent[]])[]) {
  test(`the stream of ${what} has the events that Anthropic documents`, () => {
    const messages = [{ role: "user", content: "x" }];
    const { stream } = messagesWire.understand({ messages, stream: true });
    const framesOf = stream?.(head);
    const all: readonly GenerateEvent[] = [
      { type: "accepted", promptTokens: 9 },
      { type: "started", choice: 0, cachedTokens: 0 },
      ...events,
      { type: "done", usage },
    ];
    const frames = all.flatMap((event) => framesOf?.(event) ?? []);
    assert.deepEqual(
      frames.map(({ event }) => event),
      documented.map(({ type }) => type),
    );
    for (const [index, frame] of frames.entries()) {
      assertForm(documented[index], frame.data, String(documented[index]?.type));
    }
    const { end } = messagesWire.endpoint.dialect.stream;
    assert.equal(end, 'event: message_stop\ndata: {"type":"message_stop"}\n\n');
  });
}
