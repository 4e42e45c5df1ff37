/** Spans on their way through the exporting thread to a collector: nothing is changed, and nothing piles up. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { idOf } from "@localmodel/telemetry/spans/ids.ts";
import { batchLimits } from "@localmodel/telemetry/settings/span-limits.ts";
import { SpanOutbox } from "@localmodel/telemetry/export/span-outbox.ts";
import type { EndedSpan } from "@localmodel/telemetry/spans/ended-span.ts";
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

function ended(spanId: string): EndedSpan {
  return {
    name: "POST",
    kind: 2,
    trace: { id: idOf(TRACE), state: "vendor=1" },
    id: idOf(spanId),
    parentId: idOf(PARENT),
    isParentRemote: false,
    startMs: START_MS,
    endMs: START_MS + 2.5,
    attributes: ["server.port", 8080, "names", ["a", "b"]],
    events: [{ name: "first_token", atMs: START_MS + 1, attributes: { "token.count": 1 } }],
    links: [{ traceId: TRACE, spanId: OTHER, isRecording: true }],
    hasFailed: true,
  };
}

const open = (complaints: string[] = []) =>
  new SpanOutbox({ serviceName: "tested", instanceId: "1" }, batchLimits(process.env), (line) =>
    complaints.push(line),
  );

test("a span arrives as it was noted", async () => {
  const outbox = open();
  outbox.keep(ended("1111111111111111"));
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
  for (const id of ids) outbox.keep(ended(id));
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
  for (let index = 0; index < 20_000; index += 1) outbox.keep(ended("3333333333333333"));
  await outbox.stop(5000);
  assert.match(complaints[0] ?? "", /some are dropped/);
});

test("a thread that has ended takes nothing and holds nothing up", async () => {
  const outbox = open();
  await outbox.stop(5000);
  outbox.keep(ended("4444444444444444"));
  await outbox.stop(5000);
});
