/** What spans note, and what they tell whoever comes after them. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { propagation } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AlwaysOnSampler, ParentBasedSampler } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import type { EndedSpan } from "./ended-span.ts";
import { hexOf } from "./ids.ts";
import { injectorOf } from "./inject.ts";
import { RecordingTracer } from "./recording-tracer.ts";
import type { Span } from "./span.ts";
import { spanLimits } from "../settings/span-limits.ts";

propagation.setGlobalPropagator(new W3CTraceContextPropagator());

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

let ended: EndedSpan[];
let tracer: RecordingTracer;

function noting(environment: Readonly<Record<string, string>> = {}): RecordingTracer {
  ended = [];
  return new RecordingTracer(new ParentBasedSampler({ root: new AlwaysOnSampler() }), {
    keep: (span) => void ended.push(span),
    inject: injectorOf({}),
    limits: spanLimits(environment),
  });
}

beforeEach(() => {
  tracer = noting();
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
  const placed = ended.map((one) => ({
    name: one.name,
    kind: one.kind,
    traceId: hexOf(one.trace.id),
    state: one.trace.state,
    spanId: hexOf(one.id),
    parentSpanId: one.parentId && hexOf(one.parentId),
    isParentRemote: one.isParentRemote,
  }));
  const common = { traceId: TRACE, state: "vendor=1" };
  const ids = { spanId: child.spanId, parentSpanId: span.spanId };
  assert.deepEqual(placed, [
    { name: "attempt", kind: 2, ...ids, isParentRemote: false, ...common },
    {
      name: "POST",
      kind: 1,
      spanId: span.spanId,
      parentSpanId: PARENT,
      isParentRemote: true,
      ...common,
    },
  ]);
});

test("a trace that was dropped before is passed on and not noted", () => {
  const span = start("00");
  assert.equal(span.isRecording, false);
  const child = span.child("attempt");
  assert.match(injected(child)["traceparent"] ?? "", new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  child.end();
  span.end();
  assert.deepEqual(ended, []);
});

test("headers that make no sense begin a new trace", () => {
  for (const traceparent of ["", "00-zz-zz-01", `00-${"0".repeat(32)}-${PARENT}-01`]) {
    const span = tracer.start("POST", { headers: { traceparent } });
    assert.notEqual(span.traceId, TRACE);
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
    span.end();
    assert.equal(ended.at(-1)?.parentId, undefined);
  }
});

test("an attribute that is set again has its last value, and one without a value is none", () => {
  const span = tracer.start("POST", { attributes: { model: "a", absent: undefined } });
  span.set({ model: "b" });
  span.fail("timeout");
  span.end();
  const [noted] = ended;
  assert.deepEqual(noted?.attributes, ["model", "b", "error.type", "timeout"]);
  assert.equal(noted.hasFailed, true);
});

test("a span holds no more than the environment allows", () => {
  tracer = noting({
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "2",
    OTEL_ATTRIBUTE_COUNT_LIMIT: "9",
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "3",
    OTEL_SPAN_EVENT_COUNT_LIMIT: "1",
  });
  const span = tracer.start("POST", {});
  span.set({ text: "abcd", texts: ["abcd", "a"], more: 1 });
  span.set({ text: "efgh" });
  span.event("first");
  span.event("second");
  span.end();
  assert.deepEqual(ended[0]?.attributes, ["text", "efg", "texts", ["abc", "a"]]);
  assert.deepEqual(
    ended[0].events.map(({ name }) => name),
    ["first"],
  );
});

test("a span that ends twice is noted once", () => {
  const span = tracer.start("POST", {});
  span.end();
  span.end();
  assert.equal(ended.length, 1);
});

test("times nest, whatever order spans end in and whatever times they are given", () => {
  const time = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 8 }), (times) => {
      ended = [];
      const spans: Span[] = [];
      for (const [startMs] of times) {
        const parent = spans.at(-1);
        spans.push(parent?.child("c", { startMs }) ?? tracer.start("p", { startMs }));
      }
      for (const [index, span] of [...spans.entries()].toReversed()) span.end(times[index]?.[1]);
      const byId = new Map(ended.map((span) => [span.id, span]));
      for (const { parentId, startMs, endMs } of ended) {
        assert.ok(startMs <= endMs);
        const parent = parentId && byId.get(parentId);
        if (parent !== undefined) assert.ok(parent.startMs <= startMs && endMs <= parent.endMs);
      }
    }),
  );
});
