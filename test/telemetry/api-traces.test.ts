/** Traces of the real API service, as a collector gets them. Model servers are scripted where they have to fail. */
import assert from "node:assert/strict";
import { type IncomingMessage, createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { after, before, test, type TestContext } from "node:test";
import { ApiProcess } from "../support/api-process.ts";
import { OtlpReceiver, outlineOf, type ReceivedSpan, spansOf } from "../support/otlp-receiver.ts";

const CHAT = "/v1/chat/completions";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
/** The discard port, on which nobody listens. */
const NOBODY = "http://127.0.0.1:9";

let collector: OtlpReceiver;
before(async () => {
  collector = await OtlpReceiver.start();
});
after(() => collector[Symbol.asyncDispose]());

async function upstream(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ok: RequestListener = (req, res) => {
  req.resume().on("end", () => res.setHeader("content-type", "application/json").end("{}"));
};

async function startApi(
  t: TestContext,
  endpoints: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ApiProcess> {
  const api = await ApiProcess.start({
    models: [{ id: "org/m", aliases: ["gpt"], endpoints }],
    environment: { ...collector.environment, ...environment },
  });
  t.after(() => api.stop());
  return api;
}

function isServer(requestId: string) {
  return ({ attributes, kind }: ReceivedSpan): boolean =>
    kind === "server" && attributes["localmodel.request.id"] === requestId;
}

function named(tree: Parameters<typeof spansOf>[0], name: string): ReceivedSpan[] {
  return spansOf(tree).filter((span) => span.name === name);
}

function traceparentOf(request: IncomingMessage): string[] {
  return String(request.headers["traceparent"]).split("-");
}

test("a request goes on with its client's trace and hands it to the model server", async (t) => {
  const heard: IncomingMessage[] = [];
  const endpoint = await upstream(t, (req, res) => {
    heard.push(req);
    ok(req, res);
  });
  const api = await startApi(t, [endpoint]);
  const headers = {
    traceparent: `00-${TRACE}-${PARENT}-01`,
    tracestate: "vendor=opaque",
    "x-request-id": "trace-1",
  };
  await api.post(`${CHAT}?api_key=secret`, { model: "gpt", messages: [] }, { headers });
  const tree = await collector.trace(isServer("trace-1"), 5);

  assert.deepEqual(outlineOf(tree), [
    `POST ${CHAT} [server]`,
    "  route [internal]",
    "  queue [internal]",
    "  pick [internal]",
    "  POST [client]",
  ]);
  assert.deepEqual([tree.span.traceId, tree.span.parentSpanId], [TRACE, PARENT]);
  const { attributes, service, isError } = tree.span;
  assert.equal(service, "localmodel-api");
  assert.equal(isError, false);
  assert.equal(attributes["http.request.method"], "POST");
  assert.equal(attributes["http.route"], CHAT);
  assert.equal(attributes["http.response.status_code"], 200);
  assert.equal(attributes["gen_ai.request.model"], "gpt");
  assert.equal(attributes["localmodel.model"], "org/m");
  assert.doesNotMatch(JSON.stringify(spansOf(tree).map((span) => span.attributes)), /secret/);

  const [attempt] = named(tree, "POST");
  const port = Number(new URL(endpoint).port);
  assert.equal(attempt?.attributes["server.address"], "127.0.0.1");
  assert.equal(attempt.attributes["server.port"], port);
  assert.equal(attempt.attributes["http.response.status_code"], 200);
  assert.equal(attempt.attributes["http.request.resend_count"], undefined);
  const [pick] = named(tree, "pick");
  assert.equal(pick?.attributes["localmodel.pick.reason"], "only");
  assert.equal(pick.attributes["server.port"], port);

  const [request] = heard;
  assert.ok(request);
  assert.deepEqual(traceparentOf(request), ["00", TRACE, attempt.spanId, "01"]);
  assert.equal(request.headers["tracestate"], "vendor=opaque");
  for (const { span } of tree.children) {
    assert.ok(span.start >= tree.span.start && span.end <= tree.span.end, span.name);
  }
  const line = api.lines.find(({ requestId }) => requestId === "trace-1");
  assert.deepEqual([line?.["trace_id"], line?.["span_id"]], [TRACE, tree.span.spanId]);
});

test("a second attempt says how often it was sent and is linked to the one that failed", async (t) => {
  const busy = await upstream(t, (req, res) => {
    req.resume().on("end", () => res.writeHead(503).end("{}"));
  });
  const api = await startApi(t, [busy, await upstream(t, ok)]);
  // Both are asked first in turns, so one of two requests is tried twice.
  for (const id of ["retry-1", "retry-2"]) {
    const answer = await api.post(CHAT, {}, { headers: { "x-request-id": id } });
    assert.equal(answer.status, 200);
  }
  const retried = await collector.until("an attempt that was sent again", () =>
    collector.spans.find(({ attributes }) => attributes["http.request.resend_count"] === 1),
  );
  const tree = await collector.trace(
    ({ kind, traceId }) => kind === "server" && traceId === retried.traceId,
    7,
  );
  const [first, second] = named(tree, "POST");
  assert.deepEqual(
    outlineOf(tree).map((line) => line.trim()),
    [
      `POST ${CHAT} [server]`,
      "route [internal]",
      "queue [internal]",
      "pick [internal]",
      "POST [client]",
      "pick [internal]",
      "POST [client]",
    ],
  );
  assert.deepEqual([first?.isError, first?.attributes["error.type"]], [true, "503"]);
  assert.deepEqual(
    second?.links.map(({ spanId }) => spanId),
    [first?.spanId],
  );
  assert.equal(second?.isError, false);
});

test("an attempt that reaches nobody says so", async (t) => {
  const api = await startApi(t, [NOBODY]);
  await api.post(CHAT, {}, { headers: { "x-request-id": "gone" } });
  // The same endpoint three times, each with a pick of its own.
  const tree = await collector.trace(isServer("gone"), 9);
  const attempts = named(tree, "POST");
  assert.deepEqual(
    attempts.map(({ attributes }) => attributes["error.type"]),
    ["unreachable", "unreachable", "unreachable"],
  );
  assert.equal(tree.span.attributes["error.type"], "engine_error");
});

test("a client that hangs up is what its request ended with, and nothing outlives the request's span", async (t) => {
  const asked = Promise.withResolvers<void>();
  const endpoint = await upstream(t, (req) => {
    req.resume().on("end", () => asked.resolve());
  });
  const api = await startApi(t, [endpoint]);
  const client = new AbortController();
  const headers = { "x-request-id": "hang-up" };
  const request = api.post(CHAT, {}, { headers, signal: client.signal });
  await asked.promise;
  client.abort();
  await assert.rejects(request);
  const tree = await collector.trace(isServer("hang-up"), 5);
  const [attempt] = named(tree, "POST");
  for (const span of [tree.span, attempt]) {
    assert.deepEqual(
      [span?.isError, span?.attributes["error.type"]],
      [true, "client_closed_request"],
    );
  }
  assert.ok(attempt && attempt.end <= tree.span.end);
});

test("keys, cookies, queries and bodies are in no span and no line of the log", async (t) => {
  const api = await startApi(t, [NOBODY]);
  const headers = {
    "x-request-id": "secrets",
    authorization: "Bearer sk-very-secret",
    cookie: "session=very-secret",
  };
  const body = { model: "gpt", user: "very-secret", messages: [{ content: "very-secret" }] };
  await api.post(`${CHAT}?key=very-secret`, body, { headers });
  const tree = await collector.trace(isServer("secrets"), 9);
  await api.stop();
  assert.ok(api.lines.some(({ requestId }) => requestId === "secrets"));
  assert.doesNotMatch(api.output, /very-secret/);
  assert.doesNotMatch(JSON.stringify(spansOf(tree).map((span) => span.attributes)), /very-secret/);
});

test("a path that is no route names no span", async (t) => {
  const api = await startApi(t, []);
  await fetch(`${api.url}/some/path`, { headers: { "x-request-id": "no-route" } });
  const tree = await collector.trace(isServer("no-route"), 1);
  assert.equal(tree.span.name, "GET");
  assert.equal(tree.span.attributes["http.route"], undefined);
});

test("a trace that is not chosen is passed on as such, and nothing of it is sent", async (t) => {
  const heard: IncomingMessage[] = [];
  const endpoint = await upstream(t, (req, res) => {
    heard.push(req);
    ok(req, res);
  });
  const api = await startApi(t, [endpoint], { OTEL_TRACES_SAMPLER: "always_off" });
  await api.post(CHAT, {}, { headers: { "x-request-id": "unsampled" } });
  await api.stop();
  const [request] = heard;
  assert.ok(request);
  const [, traceId, , flags] = traceparentOf(request);
  assert.equal(flags, "00");
  assert.equal(
    collector.spans.some((span) => span.traceId === traceId),
    false,
  );
  assert.equal(api.lines.find((line) => line["requestId"] === "unsampled")?.["trace_id"], traceId);
});

test("what has not been sent when the service ends is sent before it ends", async (t) => {
  const api = await startApi(t, [await upstream(t, ok)], { OTEL_BSP_SCHEDULE_DELAY: "600000" });
  await api.post(CHAT, {}, { headers: { "x-request-id": "last" } });
  assert.equal(await api.stop(), 0);
  await collector.trace(isServer("last"), 5);
});

test("a collector that is not there changes nothing for clients, nor for the end of the service", async (t) => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: NOBODY,
    OTEL_BSP_SCHEDULE_DELAY: "1",
  };
  const api = await startApi(t, [await upstream(t, ok)], environment);
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.post(CHAT, {})));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(await api.stop(), 0);
});

const PRELOAD = `--import ${fileURLToPath(new URL("../support/loaded-modules.ts", import.meta.url))}`;

for (const [what, environment] of Object.entries({
  "nothing is said about telemetry": { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
  "the SDK is disabled": { OTEL_SDK_DISABLED: "true" },
  "no exporter is wanted": { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" },
})) {
  test(`no module of OpenTelemetry is loaded when ${what}`, async (t) => {
    const heard: IncomingMessage[] = [];
    const endpoint = await upstream(t, (req, res) => {
      heard.push(req);
      ok(req, res);
    });
    const api = await startApi(t, [endpoint], { ...environment, NODE_OPTIONS: PRELOAD });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
    await api.post(CHAT, {}, { headers });
    assert.equal(await api.stop(), 0);
    assert.match(api.output, /^opentelemetry: none$/m);
    assert.equal(heard[0]?.headers["traceparent"], headers.traceparent);
  });
}

test("modules of OpenTelemetry are loaded when there is a collector", async (t) => {
  const api = await startApi(t, [], { NODE_OPTIONS: PRELOAD });
  await api.stop();
  assert.match(api.output, /^opentelemetry: .*sdk-node/m);
});
