/**
 * One trace from the client to the engine: the real API service before a real model server with a tiny model, and a
 * collector that gets the spans of both.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ErrorBody } from "@localmodel/openai/dialect.ts";
import { ApiProcess } from "../support/api-process.ts";
import { ModelServer } from "../support/model-server.ts";
import {
  OtlpReceiver,
  outlineOf,
  type ReceivedSpan,
  spansOf,
  type SpanTree,
} from "../support/otlp-receiver.ts";
import { pngOf } from "../support/glyph-files.ts";
import { type SeeingModel, writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../support/tiny-models.ts";

const CHAT = "/v1/chat/completions";
const SECRET = "the-word-nobody-else-says";
const BODY = {
  model: "tiny",
  messages: [{ role: "user", content: `Say ${SECRET}` }],
  max_tokens: 8,
  temperature: 0,
  ignore_eos: true,
};

let folder: TemporaryFolder;
let seeing: SeeingModel;
let collector: OtlpReceiver;
let server: ModelServer;
let embedder: ModelServer;
let api: ApiProcess;

before(async () => {
  folder = await TemporaryFolder.create();
  collector = await OtlpReceiver.start();
  seeing = await writeSeeingModel(folder, { contextLength: 65_536 });
  await writeTinyEmbeddingModel(folder.file("bert.gguf"));
  const engine = { slots: 2, contextTokens: 65_536 };
  const { environment } = collector;
  server = await ModelServer.ready({ ...pathsOf(seeing), modelId: "tiny", engine }, environment);
  embedder = await ModelServer.ready(
    { weightsPath: folder.file("bert.gguf"), modelId: "bert" },
    { ...environment, OTEL_SEMCONV_STABILITY_OPT_IN: "gen_ai_latest_experimental" },
  );
  api = await ApiProcess.start({
    models: [
      { id: "tiny", endpoints: [server.url], slots: 2 },
      { id: "bert", endpoints: [embedder.url] },
    ],
    environment,
  });
});
after(async () => {
  await api[Symbol.asyncDispose]();
  await Promise.all([server, embedder].map((one) => one[Symbol.asyncDispose]()));
  await collector[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function pathsOf({ weightsPath, projectorPath }: SeeingModel) {
  return { weightsPath, projectorPath };
}

/** The trace of the request with this id, as the API service began it. */
function traceOf(requestId: string, spans: number): Promise<SpanTree> {
  return collector.trace(
    ({ service, kind, attributes }) =>
      service === "localmodel-api" &&
      kind === "server" &&
      attributes["localmodel.request.id"] === requestId,
    spans,
  );
}

function find(tree: SpanTree, name: string, service?: string): ReceivedSpan {
  const found = spansOf(tree).find(
    (span) => span.name === name && (service === undefined || span.service === service),
  );
  assert.ok(found, `${name} in\n${outlineOf(tree).join("\n")}`);
  return found;
}

/** Of two processes, the one that was asked may hear of an end after the one that has asked. */
function assertNested({ span, children }: SpanTree): void {
  for (const child of children) {
    assert.ok(child.span.start >= span.start, `${child.span.name} begins before ${span.name}`);
    if (child.span.service === span.service) {
      assert.ok(child.span.end <= span.end, `${child.span.name} ends after ${span.name}`);
    }
    assert.ok(child.span.start <= child.span.end, child.span.name);
    assertNested(child);
  }
}

test("a chat is one trace, from the client through both services to the engine's phases", async () => {
  const headers = { "x-request-id": "chat" };
  const answer = await api.post(CHAT, BODY, { headers });
  const { id } = (await answer.json()) as { id: string };
  const tree = await traceOf("chat", 12);

  assert.deepEqual(outlineOf(tree), [
    `POST ${CHAT} [server]`,
    "  route [internal]",
    "  queue [internal]",
    "  pick [internal]",
    "  POST [client]",
    `    POST ${CHAT} [server]`,
    "      validate [internal]",
    "      chat tiny [internal]",
    "        template [internal]",
    "        queue [internal]",
    "        prefill [internal]",
    "        decode [internal]",
  ]);
  assertNested(tree);
  const served = find(tree, `POST ${CHAT}`, "localmodel-model-server");
  assert.equal(served.attributes["localmodel.request.id"], "chat");

  const { attributes, events } = find(tree, "chat tiny");
  const expected = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "localmodel",
    "gen_ai.system": "localmodel",
    "gen_ai.request.model": "tiny",
    "gen_ai.response.model": "tiny",
    "gen_ai.response.id": id,
    "gen_ai.request.temperature": 0,
    "gen_ai.request.max_tokens": 8,
    "gen_ai.usage.output_tokens": 8,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(attributes[name], value, name);
  assert.deepEqual(attributes["gen_ai.response.finish_reasons"], ["length"]);
  assert.ok(Number(attributes["gen_ai.response.time_to_first_chunk"]) > 0);
  assert.ok(Number(attributes["localmodel.response.time_per_output_token"]) > 0);
  assert.deepEqual(
    events.map(({ name }) => name),
    ["gen_ai.first_token"],
  );

  const pid = await server.enginePid();
  const [template, queue, prefill, decode] = ["template", "queue", "prefill", "decode"].map(
    (name) => find(tree, name, "localmodel-model-server"),
  );
  for (const phase of [template, queue, prefill, decode]) {
    assert.equal(phase?.attributes["localmodel.engine.pid"], pid);
  }
  assert.ok(template && queue && prefill && decode);
  assert.equal(queue.start, template.end);
  assert.equal(prefill.start, queue.end);
  assert.equal(decode.start, prefill.end);
  const prompt = Number(attributes["gen_ai.usage.input_tokens"]);
  const cached = Number(prefill.attributes["localmodel.prefill.cached_tokens"]);
  assert.equal(prefill.attributes["localmodel.prefill.tokens"], prompt - cached);
  assert.ok(Number(prefill.attributes["localmodel.prefill.chunks"]) >= 1);
  assert.equal(decode.attributes["localmodel.decode.tokens"], 8);
  assert.equal(decode.events[0]?.name, "gen_ai.first_token");
  assert.equal(decode.events[0]?.at, prefill.end);
});

test("a picture is decoded, and looked at, in spans of its own", async () => {
  const url = `data:image/png;base64,${(await pngOf("HELLO")).toString("base64")}`;
  const content = [{ type: "image_url", image_url: { url } }];
  const body = { ...BODY, messages: [{ role: "user", content }] };
  const answer = await api.post(CHAT, body, { headers: { "x-request-id": "picture" } });
  assert.equal(answer.status, 200);
  const tree = await traceOf("picture", 14);
  assert.deepEqual(outlineOf(tree).slice(5), [
    `    POST ${CHAT} [server]`,
    "      validate [internal]",
    "      decode images [internal]",
    "      chat tiny [internal]",
    "        template [internal]",
    "        look [internal]",
    "        queue [internal]",
    "        prefill [internal]",
    "        decode [internal]",
  ]);
  assertNested(tree);
  const look = find(tree, "look");
  assert.equal(look.start, find(tree, "template").end);
  assert.equal(look.end, find(tree, "queue", "localmodel-model-server").start);
});

test("what was asked and answered is in no span", async () => {
  const answer = await api.post(CHAT, BODY, { headers: { "x-request-id": "private" } });
  const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
  const tree = await traceOf("private", 12);
  const sent = JSON.stringify(spansOf(tree).map(({ attributes }) => attributes));
  assert.doesNotMatch(sent, new RegExp(SECRET));
  assert.ok(!sent.includes(JSON.stringify(choices[0]?.message.content)));
});

test("messages are in the span of who asks for them twice", async (t) => {
  const asking = await ModelServer.ready(
    { ...pathsOf(seeing), modelId: "open", promptLogging: true },
    { ...collector.environment, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "SPAN_ONLY" },
  );
  t.after(() => asking[Symbol.asyncDispose]());
  await asking.client().chat.completions.create({
    ...BODY,
    model: "open",
    messages: [{ role: "user", content: SECRET }],
  });
  const span = await collector.until("the span", () =>
    collector.spans.find(({ name }) => name === "chat open"),
  );
  assert.deepEqual(JSON.parse(String(span.attributes["gen_ai.input.messages"])), [
    { role: "user", parts: [{ type: "text", content: SECRET }] },
  ]);
  const [output] = JSON.parse(String(span.attributes["gen_ai.output.messages"])) as object[];
  assert.ok(output && "finish_reason" in output);
});

test("every choice of a completion has its own queue, prefill and decode", async () => {
  const headers = { "x-request-id": "choices" };
  await api
    .post(
      "/v1/completions",
      { model: "tiny", prompt: "Once", n: 3, max_tokens: 4, ignore_eos: true, stream: true },
      { headers },
    )
    .then((answer) => answer.text());
  const tree = await traceOf("choices", 18);
  assertNested(tree);
  const generation = find(tree, "text_completion tiny");
  assert.equal(generation.attributes["gen_ai.request.choice.count"], 3);
  assert.equal(generation.attributes["gen_ai.request.stream"], true);
  for (const phase of ["prefill", "decode"]) {
    const choices = spansOf(tree)
      .filter(({ name }) => name === phase)
      .map(({ attributes }) => Number(attributes["localmodel.choice"] ?? 0));
    assert.deepEqual(
      choices.toSorted((a, b) => a - b),
      [0, 1, 2],
    );
  }
});

test("a client that hangs up in a stream is what every open span ends with", async () => {
  const client = new AbortController();
  const answer = await api.post(
    CHAT,
    { ...BODY, max_tokens: 60_000, stream: true },
    { headers: { "x-request-id": "aborted" }, signal: client.signal },
  );
  // The role comes before the first token, which is where decoding begins.
  assert.ok(answer.body);
  for await (const events of answer.body.pipeThrough(new TextDecoderStream())) {
    if (/"content":"[^"]/.test(events)) client.abort();
    if (client.signal.aborted) break;
  }
  const tree = await traceOf("aborted", 12);
  assertNested(tree);
  const failed = spansOf(tree).filter(({ isError }) => isError);
  assert.deepEqual(
    failed.map(({ name }) => name),
    [`POST ${CHAT}`, "POST", `POST ${CHAT}`, "chat tiny", "decode"],
  );
  for (const { attributes } of failed) {
    assert.equal(attributes["error.type"], "client_closed_request");
  }
});

test("a request that is refused ends in its validation", async () => {
  const headers = { "x-request-id": "refused" };
  const answer = await api.post(CHAT, { ...BODY, temperature: 9 }, { headers });
  assert.equal(answer.status, 400);
  const body = (await answer.json()) as ErrorBody;
  const tree = await traceOf("refused", 7);
  assert.equal(body.request_id, "refused");
  assert.equal(body.trace_id, tree.span.traceId);
  const validation = find(tree, "validate");
  assert.equal(validation.isError, true);
  assert.equal(tree.span.attributes["http.response.status_code"], 400);
  assert.equal(tree.span.isError, false);
});

test("embeddings are traced like chats, under the names that were opted in to", async () => {
  const headers = { "x-request-id": "embeddings" };
  await api.post("/v1/embeddings", { model: "bert", input: ["one", "two"] }, { headers });
  const tree = await traceOf("embeddings", 11);
  assert.deepEqual(outlineOf(tree).slice(5), [
    "    POST /v1/embeddings [server]",
    "      validate [internal]",
    "      embeddings bert [internal]",
    "        template [internal]",
    "        queue [internal]",
    "        evaluate [internal]",
  ]);
  assertNested(tree);
  const { attributes } = find(tree, "embeddings bert");
  assert.equal(attributes["gen_ai.provider.name"], "localmodel");
  assert.equal(attributes["gen_ai.system"], undefined);
  assert.ok(Number(attributes["gen_ai.usage.input_tokens"]) > 0);
});

test("probes are not traced", async () => {
  await fetch(`${server.url}/readyz`);
  await fetch(`${server.url}/v1/models`, { headers: { "x-request-id": "listed" } });
  await collector.until("the list of models", () =>
    collector.spans.find(({ attributes }) => attributes["localmodel.request.id"] === "listed"),
  );
  const paths = collector.spans.map(({ attributes }) => attributes["url.path"]);
  assert.equal(paths.includes("/readyz"), false);
});
