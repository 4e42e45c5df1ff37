/**
 * One request as Jaeger shows it: a single trace from the client's own span to the engine's phases.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { type Answer, streamedAnswer, wholeAnswer } from "./harness/answers.ts";
import { chatTree } from "../support/chat-tree.ts";
import { MODEL, Stack } from "./harness/stack.ts";
import type { Attributes, Span, Trace } from "../support/trace.ts";
import { newTraceContext } from "../support/trace-context.ts";

const WORDS = "The quick brown fox jumps over the lazy dog";
const CHAT = {
  model: MODEL,
  messages: [{ role: "user", content: `What comes next? ${WORDS}` }],
  temperature: 0.5,
  top_p: 0.9,
  seed: 7,
  max_tokens: 12,
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

/** Clocks of two processes are told in microseconds that are rounded down. */
const ROUNDING_US = 2;

suite("the trace of a request", () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.start("traces");
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  for (const stream of [false, true]) {
    const how = stream ? "a streamed" : "a whole";

    suite(`of ${how} chat answer`, () => {
      const { traceId, spanId, headers } = newTraceContext();
      const requestId = `traces-${traceId}`;
      let answer: Answer;
      let trace: Trace;

      before(async () => {
        const client = stack.client({ ...headers, "x-request-id": requestId });
        answer = stream ? await streamedAnswer(client, CHAT) : await wholeAnswer(client, CHAT);
        trace = await stack.jaeger.trace(traceId, chatTree(MODEL));
      });

      test("continues the client's", () => {
        assert.equal(trace.spans[0]?.parentId, spanId);
      });

      test("is found by the id of the request, at both services", async () => {
        for (const service of ["localmodel-api", "localmodel-model-server"]) {
          const found = await stack.jaeger.search(service, { "localmodel.request.id": requestId });
          assert.deepEqual(
            found.map(({ id }) => id),
            [traceId],
          );
        }
      });

      test("has times that nest, and phases that follow each other", () => {
        for (const span of trace.spans) {
          for (const ancestor of trace.ancestorsOf(span)) assertWithin(span, ancestor);
        }
        const phases = trace.childrenOf(trace.one(`chat ${MODEL}`));
        for (const [index, phase] of phases.entries()) {
          const next = phases[index + 1];
          assert.ok(next === undefined || phase.endUs <= next.startUs + ROUNDING_US, phase.name);
        }
      });

      test("counts the tokens that the client was told", () => {
        const { prompt_tokens: prompt, completion_tokens: completion } = answer.usage;
        const chat = trace.one(`chat ${MODEL}`).attributes;
        assert.equal(chat["gen_ai.usage.input_tokens"], prompt);
        assert.equal(chat["gen_ai.usage.output_tokens"], completion);
        const prefill = trace.one("prefill").attributes;
        const cached = Number(prefill["localmodel.prefill.cached_tokens"]);
        assert.equal(cached, answer.usage.prompt_tokens_details?.cached_tokens ?? 0);
        assert.equal(Number(prefill["localmodel.prefill.tokens"]) + cached, prompt);
        const chunks = Number(prefill["localmodel.prefill.chunks"]);
        assert.ok(chunks >= 1 && chunks <= prompt - cached, String(chunks));
        assert.equal(trace.one("decode").attributes["localmodel.decode.tokens"], completion);
      });

      test("says what was asked and what was answered, by OpenTelemetry's names", () => {
        assertAttributes(trace.one(`chat ${MODEL}`), {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "localmodel",
          "gen_ai.request.model": MODEL,
          "gen_ai.request.temperature": 0.5,
          "gen_ai.request.top_p": 0.9,
          "gen_ai.request.seed": 7,
          "gen_ai.request.max_tokens": 12,
          "gen_ai.response.id": answer.id,
          "gen_ai.response.model": MODEL,
          "gen_ai.response.finish_reasons": JSON.stringify([answer.finish]),
        });
        for (const span of trace.all("POST /v1/chat/completions")) {
          assertAttributes(span, {
            "http.request.method": "POST",
            "http.route": "/v1/chat/completions",
            "http.response.status_code": 200,
            "localmodel.request.id": requestId,
          });
        }
      });

      test("says which model, which server and why that one", () => {
        const [root] = trace.spans;
        assert.equal(root?.attributes["localmodel.model"], MODEL);
        const { attributes } = trace.one("pick");
        assert.match(String(attributes["server.address"]), /^model-[ab]$/);
        assert.match(
          String(attributes["localmodel.pick.reason"]),
          /^(prefix|affinity|least_loaded)$/,
        );
        assertAttributes(trace.one("POST"), {
          "server.address": attributes["server.address"] ?? "",
          "server.port": 8080,
          "http.response.status_code": 200,
        });
      });

      test("marks the first token, in the decoding", () => {
        for (const span of [trace.one(`chat ${MODEL}`), trace.one("decode")]) {
          const firsts = span.events.filter(
            ({ attributes }) => attributes["event"] === "gen_ai.first_token",
          );
          assert.equal(firsts.length, 1, span.name);
          const [{ timeUs } = { timeUs: 0 }] = firsts;
          assert.ok(
            timeUs >= span.startUs - ROUNDING_US && timeUs <= span.endUs + ROUNDING_US,
            span.name,
          );
        }
      });

      test("holds neither the question nor the answer, and nothing failed", () => {
        const told = JSON.stringify(trace.spans);
        assert.ok(!told.includes(WORDS));
        assert.ok(answer.text.length < 8 || !told.includes(answer.text));
        assert.deepEqual(
          trace.spans.filter(({ attributes }) => attributes["error"] === true),
          [],
        );
      });
    });
  }

  test("of a completion names its own operation", async () => {
    const { traceId, headers } = newTraceContext();
    await stack.client(headers).completions.create({ model: MODEL, prompt: WORDS, max_tokens: 3 });
    const tree = chatTree(MODEL).replaceAll("chat/", "").replace("chat ", "text_completion ");
    const trace = await stack.jaeger.trace(traceId, tree);
    assert.equal(
      trace.one(`text_completion ${MODEL}`).attributes["gen_ai.operation.name"],
      "text_completion",
    );
  });

  test("of a request that is refused ends where it was refused, and is no failure of ours", async () => {
    const { traceId, headers } = newTraceContext();
    const refused = stack.client(headers).chat.completions.create({ ...CHAT, model: "unknown" });
    await assert.rejects(refused, { status: 404 });
    const tree = chatTree(MODEL).split("\n").slice(0, 2).join("\n");
    const trace = await stack.jaeger.trace(traceId, tree);
    assert.equal(trace.spans[0]?.attributes["http.response.status_code"], 404);
    assert.equal(trace.spans[0]?.attributes["error"], undefined);
  });

  test("is not kept when the client has decided so", async () => {
    const unsampled = newTraceContext({ sampled: false });
    await stack.client(unsampled.headers).chat.completions.create(CHAT);
    // What was sent later has arrived; the other would have, too.
    const { traceId, headers } = newTraceContext();
    await stack.client(headers).chat.completions.create(CHAT);
    await stack.jaeger.trace(traceId, chatTree(MODEL));
    assert.equal(await stack.jaeger.find(unsampled.traceId), undefined);
  });
});

function assertWithin(span: Span, ancestor: Span): void {
  const place = `${span.name} [${span.startUs}, ${span.endUs}] in ${ancestor.name} [${ancestor.startUs}, ${ancestor.endUs}]`;
  assert.ok(span.startUs >= ancestor.startUs - ROUNDING_US, place);
  // A server may see that an answer has ended after the one who has read it.
  const isServerOf = span.attributes["span.kind"] === "server" && span.service !== ancestor.service;
  assert.ok(isServerOf || span.endUs <= ancestor.endUs + ROUNDING_US, place);
}

function assertAttributes({ name, attributes }: Span, expected: Attributes): void {
  const actual = Object.keys(expected).map((key) => [key, attributes[key]]);
  assert.deepEqual(Object.fromEntries(actual), expected, name);
}
