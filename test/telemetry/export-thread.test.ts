/** Spans on their way through the exporting thread to a collector: nothing is changed, and nothing piles up. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SpanOutbox } from "@localmodel/telemetry/span-outbox.ts";
import type { SpanRecord } from "@localmodel/telemetry/span-record.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const OTHER = "aaaaaaaaaaaaaaaa";
/** Some time before this process began, to the microsecond. */
const START_MS = 1_700_000_000_000.125;
const START_NS = 1_700_000_000_000_125_000n;

let collector: OtlpReceiver;
before(async () => {
  collector = await OtlpReceiver.start();
  Object.assign(process.env, collector.environment);
});
after(() => collector[Symbol.asyncDispose]());

function record(spanId: string): SpanRecord {
  return [
    "POST",
    2,
    TRACE,
    spanId,
    PARENT,
    false,
    "vendor=1",
    START_MS,
    START_MS + 2.5,
    ["server.port", 1, "names", ["a", "b"], "server.port", 8080],
    [["first_token", START_MS + 1, { "token.count": 1 }]],
    [[TRACE, OTHER, 1]],
    true,
  ];
}

const open = (complaints: string[] = []) =>
  new SpanOutbox({ serviceName: "tested", instanceId: "1" }, (line) => complaints.push(line));

test("a span arrives as it was noted", async () => {
  const outbox = open();
  outbox.keep(record("1111111111111111"));
  const span = await collector.until("the span", () =>
    collector.spans.find(({ spanId }) => spanId === "1111111111111111"),
  );
  await outbox.stop(5000);
  const { service, traceId, parentSpanId, name, kind, start, end, isError } = span;
  assert.deepEqual(
    { service, traceId, parentSpanId, name, kind, isError },
    {
      service: "tested",
      traceId: TRACE,
      parentSpanId: PARENT,
      name: "POST",
      kind: "client",
      isError: true,
    },
  );
  assert.equal(start, START_NS);
  assert.equal(end, START_NS + 2_500_000n);
  assert.deepEqual(span.attributes, { "server.port": 8080, names: ["a", "b"] });
  assert.deepEqual(
    span.events.map((event) => ({ name: event.name, at: event.at })),
    [{ name: "first_token", at: START_NS + 1_000_000n }],
  );
  assert.deepEqual(
    span.links.map((link) => link.spanId),
    [OTHER],
  );
});

test("what was noted before the end is sent before the end", async () => {
  const outbox = open();
  const ids = Array.from({ length: 300 }, (_, index) => index.toString(16).padStart(16, "2"));
  for (const id of ids) outbox.keep(record(id));
  await outbox.stop(5000);
  const received = new Set(collector.spans.map(({ spanId }) => spanId));
  assert.deepEqual(
    ids.filter((id) => !received.has(id)),
    [],
  );
});

test("more spans than the other thread takes are dropped, and the log says so", async () => {
  const complaints: string[] = [];
  const outbox = open(complaints);
  // In one go: the other thread has no time to say that it has taken any.
  for (let index = 0; index < 20_000; index += 1) outbox.keep(record("3333333333333333"));
  assert.match(complaints[0] ?? "", /some are dropped/);
  await outbox.stop(5000);
});

test("a thread that has ended takes nothing and holds nothing up", async () => {
  const outbox = open();
  await outbox.stop(5000);
  outbox.keep(record("4444444444444444"));
  await outbox.stop(5000);
});
