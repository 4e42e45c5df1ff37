/**
 * A model server that is killed in mid-stream, as by a machine that goes down: what the client, the next request,
 * the trace and the metrics say.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { chatTree } from "../support/chat-tree.ts";
import { MODEL, NEVER_END, ServerName, Stack } from "./harness/stack.ts";
import { newTraceContext } from "../support/trace-context.ts";

/** Long enough to be remembered with the server that has seen it: whoever asks again is sent there. */
const STORY = {
  model: MODEL,
  messages: [
    {
      role: "system",
      content: "You tell stories. They are long, they have many people in them, they never end.",
    },
    {
      role: "user",
      content: "Tell me the story of a lighthouse, its keeper and the sea, from the beginning.",
    },
  ],
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

/** What the killed server had done by then is told; that it was at work, only by the one who asked it. */
const CUT_TREE = `
localmodel-api POST /v1/chat/completions [server]
  route [internal]
  queue [internal]
  pick [internal]
  POST [client]
localmodel-model-server validate [internal]
localmodel-model-server template [internal]
localmodel-model-server queue [internal]
localmodel-model-server prefill [internal]
`.trim();

/** An attempt at the server that is gone, and one at the other. */
const RETRIED_TREE = `
localmodel-api POST /v1/chat/completions [server]
  route [internal]
  queue [internal]
  pick [internal]
  POST [client]
  pick [internal]
  POST [client]
    localmodel-model-server POST /v1/chat/completions [server]
      validate [internal]
      chat ${MODEL} [internal]
        template [internal]
        queue [internal]
        prefill [internal]
        decode [internal]
`.trim();

suite("a model server that is killed in mid-stream", () => {
  let stack: Stack;
  let killed: ServerName;

  before(async () => {
    stack = await Stack.start("killed-server");
    const { traceId, headers } = newTraceContext();
    await stack.client(headers).chat.completions.create({ ...STORY, max_tokens: 1 });
    const trace = await stack.jaeger.trace(traceId, chatTree(MODEL));
    killed = ServerName.parse(trace.one("pick").attributes["server.address"]);
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("is an error in the stream of its client, after the words that had come", async () => {
    const { traceId, headers } = newTraceContext();
    const client = stack.client(headers);
    const request = { ...STORY, stream: true, max_tokens: 900, logit_bias: NEVER_END } as const;
    const stream = await client.chat.completions.create(request);
    let text = "";
    const read = async (): Promise<void> => {
      for await (const { choices } of stream) {
        const isFirst = text === "";
        text += choices[0]?.delta.content ?? "";
        if (!isFirst || text === "") continue;
        await eventually("the prompt's evaluation in the trace", async () => {
          assert.match((await stack.jaeger.find(traceId))?.outline() ?? "", /prefill/);
        });
        await stack.kill(killed);
      }
    };
    await assert.rejects(read(), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.code, "engine_error");
      return true;
    });
    assert.match(text, /[a-z]/);

    const trace = await stack.jaeger.trace(traceId, CUT_TREE);
    for (const span of [trace.one("POST"), trace.one("POST /v1/chat/completions")]) {
      assert.equal(span.attributes["error"], true, span.name);
      assert.equal(span.attributes["error.type"], "cut", span.name);
      assert.equal(span.attributes["http.response.status_code"], 200, span.name);
    }
  });

  test("is passed over by the next request, whose client notices nothing", async () => {
    const { traceId, headers } = newTraceContext();
    const client = stack.client(headers);
    const answer = await client.chat.completions.create({ ...STORY, max_tokens: 8 });
    assert.equal(answer.usage?.completion_tokens, 8);

    const trace = await stack.jaeger.trace(traceId, RETRIED_TREE);
    const [failed, other] = trace.all("POST");
    assert.equal(failed?.attributes["server.address"], killed);
    assert.equal(failed?.attributes["error.type"], "unreachable");
    assert.equal(failed?.attributes["http.request.resend_count"], undefined);
    assert.deepEqual(other?.links, [failed?.id]);
    assert.equal(other?.attributes["server.address"], killed === "model-a" ? "model-b" : "model-a");
    assert.equal(other?.attributes["http.request.resend_count"], 1);
    assert.equal(other?.attributes["error"], undefined);
    const reasons = trace.all("pick").map(({ attributes }) => attributes["localmodel.pick.reason"]);
    assert.equal(reasons[0], "prefix");
    assert.equal(trace.spans[0]?.attributes["error"], undefined);
  });

  test("is one that Prometheus does not reach, and counted with what was asked of it", async () => {
    await eventually("the metrics of both requests", async () => {
      const { prometheus } = stack;
      assert.equal(await prometheus.number(`up{instance="${killed}:9464"}`), 0);
      const attempts = await prometheus.by("outcome", "localmodel_upstream_attempts_total");
      assert.deepEqual(attempts, { 200: 2, cut: 1, unreachable: 1 });
      const retries = await prometheus.by("reason", "localmodel_upstream_retries_total");
      assert.deepEqual(retries, { unreachable: 1 });
      const failed = `http_server_request_duration_seconds_count{instance="api:9464", error_type!=""}`;
      assert.deepEqual(await prometheus.by("error_type", failed), { cut: 1 });
    });
  });
});
