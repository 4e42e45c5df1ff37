/** What spans note, and what they tell whoever comes after them. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { propagation } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AlwaysOnSampler, ParentBasedSampler } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { injectorOf } from "./inject.ts";
import { RecordingTracer } from "./recording-tracer.ts";
import type { Span } from "./span.ts";
import type { SpanRecord } from "./span-record.ts";

propagation.setGlobalPropagator(new W3CTraceContextPropagator());

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

let records: SpanRecord[];
let tracer: RecordingTracer;
beforeEach(() => {
  records = [];
  const sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() });
  const keep = (record: SpanRecord) => void records.push(record);
  tracer = new RecordingTracer(sampler, { keep, inject: injectorOf({}) });
});

const start = (flags: string) =>
  tracer.start("POST", {
    kind: "server",
    headers: { traceparent: `00-${TRACE}-${PARENT}-${flags}`, tracestate: "vendor=1" },
  });

function injected(span: Span): Record<string, string> {
  const headers: Record<string, string> = {};
  span.inject(headers);
  return headers;
}

test("a trace goes on from the headers to the next process, with its state", () => {
  const span = start("01");
  const child = span.child("attempt", { kind: "client" });
  const headers = injected(child);
  assert.deepEqual(headers, {
    traceparent: `00-${TRACE}-${child.spanId}-01`,
    tracestate: "vendor=1",
  });
  child.end();
  span.end();
  const placed = records.map(([name, kind, traceId, spanId, parent, isRemote, state]) => {
    return { name, kind, traceId, spanId, parent, isRemote, state };
  });
  const common = { traceId: TRACE, state: "vendor=1" };
  assert.deepEqual(placed, [
    {
      name: "attempt",
      kind: 2,
      spanId: child.spanId,
      parent: span.spanId,
      isRemote: false,
      ...common,
    },
    { name: "POST", kind: 1, spanId: span.spanId, parent: PARENT, isRemote: true, ...common },
  ]);
});

test("a trace that was dropped before is passed on and not noted", () => {
  const span = start("00");
  assert.equal(span.isRecording, false);
  const child = span.child("attempt");
  assert.match(injected(child)["traceparent"] ?? "", new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  child.end();
  span.end();
  assert.deepEqual(records, []);
});

test("headers that make no sense begin a new trace", () => {
  for (const traceparent of ["", "00-zz-zz-01", `00-${"0".repeat(32)}-${PARENT}-01`]) {
    const span = tracer.start("POST", { headers: { traceparent } });
    assert.notEqual(span.traceId, TRACE);
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
    span.end();
    assert.equal(records.at(-1)?.[4], "");
  }
});

test("an attribute that is set again has its last value, and one without a value is none", () => {
  const span = tracer.start("POST", { attributes: { model: "a", absent: undefined } });
  span.set({ model: "b" });
  span.fail("timeout");
  span.end();
  const [record] = records;
  assert.deepEqual(record?.[9], ["model", "a", "model", "b", "error.type", "timeout"]);
  assert.equal(record?.[12], true);
});

test("a span that ends twice is noted once", () => {
  const span = tracer.start("POST", {});
  span.end();
  span.end();
  assert.equal(records.length, 1);
});

test("times nest, whatever order spans end in and whatever times they are given", () => {
  const time = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 8 }), (times) => {
      records = [];
      const spans: Span[] = [];
      for (const [startMs] of times) {
        const parent = spans.at(-1);
        spans.push(parent?.child("c", { startMs }) ?? tracer.start("p", { startMs }));
      }
      for (const [index, span] of [...spans.entries()].toReversed()) span.end(times[index]?.[1]);
      const byId = new Map(records.map((record) => [record[3], record]));
      for (const [, , , , parentId, , , startMs, endMs] of records) {
        assert.ok(startMs <= endMs);
        const parent = byId.get(parentId);
        if (parent !== undefined) assert.ok(parent[7] <= startMs && endMs <= parent[8]);
      }
    }),
  );
});
