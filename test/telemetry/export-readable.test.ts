/** Spans for exporters that take the SDK's form of them: OTLP as JSON, the console, and several at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndedSpan } from "@localmodel/telemetry/spans/ended-span.ts";
import { keepIn, spanDestinations } from "@localmodel/telemetry/export/span-destinations.ts";
import { idOf } from "@localmodel/telemetry/spans/ids.ts";
import { setGlobalErrorHandler } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { OtlpReceiver } from "../support/otlp-receiver.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const OWN = "1111111111111111";
const OTHER = "aaaaaaaaaaaaaaaa";
const START_MS = 1_700_000_000_999.75;
const START_NS = 1_700_000_000_999_750_000n;

const SPAN: EndedSpan = {
  name: "POST",
  kind: 2,
  trace: { id: idOf(TRACE), state: "vendor=1" },
  id: idOf(OWN),
  parentId: idOf(PARENT),
  isParentRemote: true,
  startMs: START_MS,
  endMs: START_MS + 2.5,
  attributes: ["server.port", 8080, "names", ["a", "b"], "ok", true, "share", 0.5],
  events: [{ name: "first_token", atMs: START_MS + 1, attributes: { "token.count": 1 } }],
  links: [{ traceId: TRACE, spanId: OTHER, isRecording: true }],
  hasFailed: true,
};

async function send(environment: Readonly<Record<string, string>>): Promise<void> {
  Object.assign(process.env, environment);
  const complaints: string[] = [];
  const destinations = spanDestinations(process.env, {
    identity: { serviceName: "tested", instanceId: "1" },
    resource: resourceFromAttributes({ "service.name": "tested" }),
    complain: (line) => complaints.push(line),
  });
  keepIn(destinations)(SPAN);
  await Promise.all(destinations.map((destination) => destination.stop(10_000)));
  assert.deepEqual(complaints, []);
}

const JSON_PROTOCOL = { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" };

test("a span sent as JSON says what one sent in bytes does", async () => {
  await using collector = await OtlpReceiver.start();
  await send({ ...collector.environment, OTEL_TRACES_EXPORTER: "otlp" });
  await send(JSON_PROTOCOL);
  const [inBytes, asJson] = collector.spans;
  assert.equal(collector.spans.length, 2);
  assert.deepEqual(asJson?.events, inBytes?.events);
  const { traceId, spanId, parentSpanId, name, kind, attributes, isError, links } = asJson ?? {};
  assert.deepEqual(
    { traceId, spanId, parentSpanId, name, kind, attributes, isError },
    {
      traceId: TRACE,
      spanId: OWN,
      parentSpanId: PARENT,
      name: "POST",
      kind: "client",
      attributes: { "server.port": 8080, names: ["a", "b"], ok: true, share: 0.5 },
      isError: true,
    },
  );
  assert.deepEqual([asJson?.start, asJson?.end], [inBytes?.start, inBytes?.end]);
  assert.deepEqual(
    links?.map((link) => [link.traceId, link.spanId]),
    [[TRACE, OTHER]],
  );
  assert.equal(asJson?.start, START_NS);
});

test("the console and a collector get the same span", async (t) => {
  await using collector = await OtlpReceiver.start();
  const dir = t.mock.method(console, "dir", () => undefined);
  await send({ ...collector.environment, OTEL_TRACES_EXPORTER: "otlp,console,otlp" });
  assert.deepEqual(
    collector.spans.map(({ spanId }) => spanId),
    [OWN],
  );
  assert.deepEqual(
    dir.mock.calls.map(({ arguments: [printed] }) => (printed as unknown as { id: string }).id),
    [OWN],
  );
});

test("what no collector takes is told of, and holds nobody up", async () => {
  const failures: unknown[] = [];
  setGlobalErrorHandler((failure) => failures.push(failure));
  const collector = await OtlpReceiver.start();
  const { environment } = collector;
  await collector[Symbol.asyncDispose]();
  await send({
    ...environment,
    ...JSON_PROTOCOL,
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_TIMEOUT: "200",
  });
  assert.equal(failures.length, 1);
});
