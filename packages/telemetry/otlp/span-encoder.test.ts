/** A span's bytes say what the span was, in the words of OpenTelemetry's own serializer. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import fc from "fast-check";
import type { EndedSpan } from "../spans/ended-span.ts";
import { hexOf } from "../spans/ids.ts";
import type { AttributeValue } from "../spans/span.ts";
import { readTraceRequest, valuesOf, type WireSpan } from "../../../test/support/otlp-protobuf.ts";
import { readableSpan } from "../export/readable-span.ts";
import { batchSerializer, type Origin } from "./export-request.ts";
import { type SpanBatch, SpanEncoder } from "./span-encoder.ts";

const ORIGIN: Origin = {
  resource: resourceFromAttributes({ "service.name": "tested", "process.pid": 4_294_967_296 }),
  scope: { name: "localmodel" },
};

const id = (words: number) => fc.array(fc.integer(), { minLength: words, maxLength: words });
/** Of every length that a length has, and of all that Unicode has. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ maxLength: 400 }),
  fc.integer({ min: 60, max: 20_000 }).map((length) => "é".repeat(length)),
);
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).filter((number) => !Number.isInteger(number)),
  fc.array(text, { maxLength: 3 }),
);
const named = fc.dictionary(fc.string({ minLength: 1, maxLength: 40 }), value, { maxKeys: 8 });
const time = fc.double({ min: 0, max: 8e12, noNaN: true });

const span: fc.Arbitrary<EndedSpan> = fc.record({
  name: text,
  kind: fc.constantFrom(0, 1, 2),
  trace: fc.record({ id: id(4), state: fc.constantFrom("", "vendor=1", "a=1,b=2") }),
  id: id(2),
  parentId: fc.option(id(2), { nil: undefined }),
  isParentRemote: fc.boolean(),
  startMs: time,
  endMs: time,
  attributes: named.map((attributes) => Object.entries(attributes).flat()),
  events: fc.array(fc.record({ name: text, atMs: time, attributes: named }), { maxLength: 2 }),
  links: fc.array(
    fc.record({ traceId: id(4).map(hexOf), spanId: id(2).map(hexOf), isRecording: fc.boolean() }),
    {
      maxLength: 2,
    },
  ),
  hasFailed: fc.boolean(),
});

function encoded(spans: readonly EndedSpan[]): SpanBatch {
  const encoder = new SpanEncoder();
  for (const one of spans) encoder.encode(one);
  return encoder.take();
}

const ERROR = 2;

function spansIn(batch: SpanBatch): readonly WireSpan[] {
  const request = batchSerializer(ORIGIN).serializeRequest(batch);
  return readTraceRequest(request ?? new Uint8Array()).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );
}

const ns = (ms: number): bigint =>
  BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms - Math.floor(ms)) * 1e6));

suite("spans as OTLP's bytes", () => {
  test("say what was noted", () => {
    fc.assert(
      fc.property(span, (noted) => {
        const [read] = spansIn(encoded([noted]));
        assert.ok(read);
        const { flags = 0 } = read;
        assert.equal(flags & 0x101, 0x101);
        const seen = {
          name: read.name,
          kind: read.kind - 1,
          traceId: read.traceId,
          spanId: read.spanId,
          parentSpanId: read.parentSpanId === "" ? undefined : read.parentSpanId,
          isParentRemote: read.parentSpanId === "" ? noted.isParentRemote : (flags & 0x200) !== 0,
          traceState: read.traceState,
          start: BigInt(read.startTimeUnixNano),
          end: BigInt(read.endTimeUnixNano),
          attributes: valuesOf(read.attributes),
          events: read.events.map(({ name, timeUnixNano, attributes = [] }) => [
            name,
            BigInt(timeUnixNano),
            valuesOf(attributes),
          ]),
          links: read.links.map((link) => [link.traceId, link.spanId, (link.flags ?? 0) & 0xff]),
          hasFailed: read.status.code === ERROR,
        };
        const { trace, parentId, startMs, endMs, attributes, events, links } = noted;
        assert.deepEqual(seen, {
          name: noted.name,
          kind: noted.kind,
          traceId: hexOf(trace.id),
          spanId: hexOf(noted.id),
          parentSpanId: parentId && hexOf(parentId),
          isParentRemote: noted.isParentRemote,
          traceState: trace.state,
          start: ns(startMs),
          end: ns(endMs),
          attributes: objectOf(attributes),
          events: events.map((event) => [event.name, ns(event.atMs), { ...event.attributes }]),
          links: links.map((link) => [link.traceId, link.spanId, link.isRecording ? 1 : 0]),
          hasFailed: noted.hasFailed,
        });
      }),
    );
  });

  test("are what OpenTelemetry's serializer makes of the same spans", () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 4 }), (noted) => {
        const batch = encoded(noted);
        const ours = batchSerializer(ORIGIN).serializeRequest(batch);
        const readable = noted.map((one) => readableSpan(one, ORIGIN));
        const theirs = ProtobufTraceSerializer.serializeRequest(readable);
        assert.ok(ours && theirs);
        assert.deepEqual(readTraceRequest(ours), readTraceRequest(theirs));
      }),
    );
  });

  test("have a name that is __proto__, as any other", () => {
    const attributes = Object.fromEntries([["__proto__", "own"]]);
    const [sample] = fc.sample(span, 1);
    assert.ok(sample);
    const odd = {
      ...sample,
      attributes: ["__proto__", "own"],
      events: [{ name: "", atMs: 0, attributes }],
    };
    const ours = batchSerializer(ORIGIN).serializeRequest(encoded([odd]));
    const theirs = ProtobufTraceSerializer.serializeRequest([readableSpan(odd, ORIGIN)]);
    assert.ok(ours && theirs);
    assert.deepEqual(readTraceRequest(ours), readTraceRequest(theirs));
    const [read] = spansIn(encoded([odd]));
    assert.deepEqual(
      read?.attributes.map(({ key }) => key),
      ["__proto__"],
    );
  });

  test("are taken once", () => {
    const encoder = new SpanEncoder();
    for (const one of fc.sample(span, 3)) encoder.encode(one);
    assert.equal(encoder.take().spans, 3);
    assert.deepEqual(encoder.take(), { spans: 0, bytes: new Uint8Array() });
  });
});

function objectOf(flat: readonly AttributeValue[]): Record<string, AttributeValue | undefined> {
  const names = flat.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name, index) => [String(name), flat[2 * index + 1]]));
}
