import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type OpenAI from "openai";
import { Stream } from "openai/streaming";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { bestOf, meanLogprob } from "../completions/best-of.ts";
import { chatChunks, chatCompletion } from "../chat/chat-answer.ts";
import { completionChunks, textCompletion } from "../completions/completion-answer.ts";
import { embeddingResponse, shortened } from "../embeddings/embedding-answer.ts";
import { chatLogprobs, legacyLogprobs } from "./logprobs.ts";
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import { answersTo, modelObject } from "./models.ts";
import { DONE, frame, KEEP_ALIVE } from "../sse.ts";

const head: AnswerHead = { id: "chatcmpl-1", created: 7, model: "m", fingerprint: "fp_1" };
const counts = { promptTokens: 5, completionTokens: 2, cachedTokens: 4 };

function token(text: string, logprob: number | null, top: [string, number][] = []): TokenLogprob {
  return {
    ...whole(text),
    logprob,
    top: top.map(([other, itsLogprob]) => ({ ...whole(other), logprob: itsLogprob })),
  };
}

function whole(text: string) {
  return { token: text, bytes: [...Buffer.from(text)] };
}

function part(...bytes: number[]): TokenLogprob {
  return { token: "\ufffd", bytes, logprob: -1, top: [] };
}

function sample(text: string, ...logprobs: number[]) {
  return {
    choice: { text, reason: "stop" as const },
    meanLogprob: meanLogprob(logprobs.map((logprob) => ({ logprob }))),
  };
}

test("a chat completion has every key OpenAI requires, as its own types see it", () => {
  const answer = chatCompletion(head, [{ content: "Hi", calls: {}, reason: "stop" }], counts);
  const typed: OpenAI.ChatCompletion = answer;
  assert.deepEqual(typed, {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 7,
    model: "m",
    system_fingerprint: "fp_1",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hi", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
  });
});

test("chat chunks have the keys of OpenAI's own streams, with usage null until the last", () => {
  const chunks = chatChunks(head, true);
  const all: OpenAI.ChatCompletionChunk[] = [
    chunks.role(0, ""),
    chunks.content(0, "Hi"),
    chunks.finish(0, "length"),
    chunks.usage(counts),
  ];
  const rest = { index: 0, logprobs: null, finish_reason: null };
  assert.deepEqual(
    all.map((chunk) => chunk.choices),
    [
      [{ ...rest, delta: { role: "assistant", content: "", refusal: null } }],
      [{ ...rest, delta: { content: "Hi" } }],
      [{ ...rest, delta: {}, finish_reason: "length" }],
      [],
    ],
  );
  assert.deepEqual(
    all.map((chunk) => chunk.usage?.total_tokens ?? chunk.usage),
    [null, null, null, 7],
  );
});

test("chunks have no usage key when it was not asked for", () => {
  assert.ok(!("usage" in chatChunks(head, false).role(0, "")));
  assert.ok(!("usage" in completionChunks(head, false).text(0, "a")));
});

test("chat logprobs say what JSON can, with -9999 for impossible", () => {
  const answer: OpenAI.ChatCompletion.Choice.Logprobs = chatLogprobs([
    token("é", -0.5, [
      ["é", -0.5],
      ["e", -Infinity],
    ]),
  ]);
  assert.deepEqual(answer, {
    content: [
      {
        token: "é",
        logprob: -0.5,
        bytes: [0xc3, 0xa9],
        top_logprobs: [
          { token: "é", logprob: -0.5, bytes: [0xc3, 0xa9] },
          { token: "e", logprob: -9999, bytes: [0x65] },
        ],
      },
    ],
    refusal: null,
  });
});

test("completion logprobs list the chosen token among the likely ones, with the same number", () => {
  const logprobs = legacyLogprobs([token("a", null), token("b", -3.25, [["c", -0.125]])], 0);
  assert.deepEqual(logprobs, {
    tokens: ["a", "b"],
    token_logprobs: [null, -3.25],
    top_logprobs: [null, { c: -0.125, b: -3.25 }],
    text_offset: [0, 1],
  });
});

test("completion logprobs write part of a character as bytes, at the offset of the character", () => {
  const { tokens, text_offset } = legacyLogprobs(
    [token("x", -1), part(0xf0, 0x9f), part(0x98, 0x80), token("y", -1), token("\ufffd", -1)],
    0,
  );
  assert.deepEqual(tokens, ["x", "bytes:\\xf0\\x9f", "bytes:\\x98\\x80", "y", "\ufffd"]);
  assert.deepEqual(text_offset, [0, 1, 1, 2, 3]);
});

test("a token named like a prototype is a token", () => {
  const { top_logprobs } = legacyLogprobs([token("__proto__", -1)], 0);
  assert.equal(JSON.stringify(top_logprobs), '[{"__proto__":-1}]');
});

test("offsets of streamed completions go on where the last chunk of that choice ended", () => {
  const chunks = completionChunks(head, false);
  const offset = (index: number, text: string) =>
    chunks.text(index, text, [token(text, -1)]).choices[0]?.logprobs?.text_offset;
  assert.deepEqual(
    [offset(0, "ab"), offset(1, "xyz"), offset(0, "é"), offset(0, "c"), offset(1, "d")],
    [[0], [0], [2], [3], [3]],
  );
});

// OpenAI's types leave out the null of a prompt's first token, which its server does send.
test("a completion is what OpenAI's types expect, logprobs or null", () => {
  const choice = { text: "a", reason: "stop", logprobs: [token("a", -1)] } as const;
  const answer = textCompletion(head, [choice, { text: "", reason: "length" }], counts);
  const typed: Omit<OpenAI.Completion, "choices"> = answer;
  assert.equal(typed.object, "text_completion");
  assert.deepEqual(
    answer.choices.map(({ index, logprobs }) => [index, logprobs?.tokens ?? null]),
    [
      [0, ["a"]],
      [1, null],
    ],
  );
});

test("best_of keeps the n best samples of each prompt, best first, of equals the first", () => {
  const samples = [sample("a", -2, -2), sample("b", -1), sample("c", -1, -1), sample("d", -9)];
  const more = [sample("e", -3), sample("f", -1), sample("g", -3), sample("h", -2)];
  assert.deepEqual(
    bestOf([...samples, ...more], 4, 2).map(({ text }) => text),
    ["b", "c", "f", "h"],
  );
});

test("embeddings are little-endian floats in base64, or numbers", () => {
  const vectors = [Float32Array.of(1, -0.5)];
  const answer = embeddingResponse({ model: "m", vectors, promptTokens: 3, encoding: "base64" });
  assert.equal(answer.data[0]?.embedding, "AACAPwAAAL8=");
  assert.deepEqual(answer.usage, { prompt_tokens: 3, total_tokens: 3 });
  const floats = embeddingResponse({ model: "m", vectors, promptTokens: 3, encoding: "float" });
  assert.deepEqual(floats.data[0]?.embedding, [1, -0.5]);
});

test("a view into a larger buffer is encoded without its neighbours", () => {
  const view = new Float32Array(Float32Array.of(9, 1, -0.5, 9).buffer, 4, 2);
  const answer = embeddingResponse({
    model: "m",
    vectors: [view],
    promptTokens: 1,
    encoding: "base64",
  });
  assert.equal(answer.data[0]?.embedding, "AACAPwAAAL8=");
});

test("a shortened embedding has length one again, and a vector of zeros stays one", () => {
  assert.deepEqual([...shortened(Float32Array.of(3, 4, 12), 2)], [...Float32Array.of(0.6, 0.8)]);
  assert.deepEqual([...shortened(Float32Array.of(0, 0, 1), 2)], [0, 0]);
});

test("a model is listed with OpenAI's keys, and answers to its aliases", () => {
  const model = { id: "a/b", aliases: ["c"], createdSeconds: 7 };
  const listed = modelObject(model);
  const typed: OpenAI.Model | undefined = listed;
  assert.deepEqual(typed, {
    id: "a/b",
    object: "model",
    created: 7,
    owned_by: "localmodel",
    aliases: ["c"],
  });
  assert.ok(answersTo(model, "a/b") && answersTo(model, "c") && !answersTo(model, "b"));
});

test("an event is one line that no line reader breaks, and then a blank one", () => {
  const text = "a\nb\r\nc\u0085d\u2028e\u2029f";
  const event = frame({ text });
  assert.match(event, /^data: [^\n\r\u0085\u2028\u2029]*\n\n$/);
  assert.deepEqual(JSON.parse(event.slice("data: ".length)), { text });
});

test("the official client reads back every event, however the bytes are cut", async () => {
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  const texts = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(texts, cuts, async (sent, positions) => {
      const events = sent.map((text) => KEEP_ALIVE + frame({ text })).join("") + DONE;
      const read: string[] = [];
      for await (const { text } of Stream.fromSSEResponse<{ text: string }>(
        new Response(cutAt(Buffer.from(events), positions)),
        new AbortController(),
      )) {
        read.push(text);
      }
      assert.deepEqual(read, sent);
    }),
  );
});

function cutAt(bytes: Buffer, positions: readonly number[]): ReadableStream<Uint8Array> {
  const ends = [...positions.map((at) => at % bytes.length), bytes.length].toSorted(
    (a, b) => a - b,
  );
  const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) if (piece.length > 0) controller.enqueue(piece);
      controller.close();
    },
  });
}
