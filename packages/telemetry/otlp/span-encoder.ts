/**
 * Spans as the bytes in which OTLP sends them.
 *
 * Written once, where a span ends, and never again: they go as they are to the exporting thread and to the collector.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
 */
import type { EndedSpan, SpanEvent, SpanLink } from "../spans/ended-span.ts";
import { idOf } from "../spans/ids.ts";
import { writeAttributes, writeFlat } from "./attributes.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { EVENT, FLAGS, LINK, SCOPE_SPANS, SPAN, STATUS } from "./trace-fields.ts";

const TWO_TO_32 = 2 ** 32;
const TWO_TO_21 = 2 ** 21;
const TWO_TO_11 = 2 ** 11;
const INITIAL_BYTES = 65_536;

export type SpanBatch = {
  readonly spans: number;
  /** As many fields `spans` of a message ScopeSpans. */
  readonly bytes: Uint8Array<ArrayBuffer>;
};

export class SpanEncoder {
  readonly #writer = new ProtobufWriter(INITIAL_BYTES);
  #spans = 0;

  /** That were encoded since the last time. */
  get spans(): number {
    return this.#spans;
  }

  /** Goes on in `memory`, if it is given: that of a batch which has been sent. */
  take(memory?: ArrayBuffer): SpanBatch {
    const spans = this.#spans;
    this.#spans = 0;
    return { spans, bytes: this.#writer.take(memory) };
  }

  encode(span: EndedSpan): void {
    const writer = this.#writer;
    const { trace, parentId } = span;
    this.#spans += 1;
    const start = writer.open(SCOPE_SPANS.spans);
    writer.words(SPAN.traceId, trace.id);
    writer.words(SPAN.spanId, span.id);
    if (trace.state !== "") writer.string(SPAN.traceState, trace.state);
    if (parentId !== undefined) writer.words(SPAN.parentSpanId, parentId);
    writer.string(SPAN.name, span.name);
    writer.varint(SPAN.kind, span.kind + 1);
    this.#time(SPAN.startTime, span.startMs);
    this.#time(SPAN.endTime, span.endMs);
    writeFlat(writer, SPAN.attributes, span.attributes);
    for (const event of span.events) this.#event(event);
    for (const link of span.links) this.#link(link);
    if (span.hasFailed) {
      const status = writer.open(SPAN.status);
      writer.varint(STATUS.code, STATUS.error);
      writer.close(status);
    }
    const remote = span.isParentRemote && parentId !== undefined ? FLAGS.isRemote : 0;
    writer.fixed32(SPAN.flags, FLAGS.sampled | FLAGS.hasIsRemote | remote);
    writer.close(start);
  }

  #event({ name, atMs, attributes }: SpanEvent): void {
    const start = this.#writer.open(SPAN.events);
    this.#time(EVENT.time, atMs);
    this.#writer.string(EVENT.name, name);
    writeAttributes(this.#writer, EVENT.attributes, attributes);
    this.#writer.close(start);
  }

  #link({ traceId, spanId, isRecording }: SpanLink): void {
    const start = this.#writer.open(SPAN.links);
    this.#writer.words(LINK.traceId, idOf(traceId));
    this.#writer.words(LINK.spanId, idOf(spanId));
    this.#writer.fixed32(LINK.flags, (isRecording ? FLAGS.sampled : 0) | FLAGS.hasIsRemote);
    this.#writer.close(start);
  }

  /** Nanoseconds, of which a double could not hold all. */
  #time(field: number, epochMs: number): void {
    const ms = Math.floor(epochMs);
    // ms = upper * 2^21 + lower; both parts times a million are whole numbers that a double holds.
    const upper = Math.floor(ms / TWO_TO_21) * 1e6;
    const lower = (ms % TWO_TO_21) * 1e6 + Math.round((epochMs - ms) * 1e6);
    const low = (upper % TWO_TO_11) * TWO_TO_21 + lower;
    const high = Math.floor(upper / TWO_TO_11) + Math.floor(low / TWO_TO_32);
    this.#writer.fixed64(field, high, low % TWO_TO_32);
  }
}
