/** What span-encoder.ts has written, in the form of the SDK: for exporters that send something else than OTLP's bytes. */
import {
  type Attributes,
  createTraceState,
  type HrTime,
  type Link,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { hrTimeDuration, type InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, TimedEvent } from "@opentelemetry/sdk-trace";
import type { AttributeValue } from "../spans/span.ts";
import { fieldsOf, Message } from "./protobuf-reader.ts";
import { ANY, ARRAY, EVENT, FLAGS, KEY_VALUE, LINK, SPAN } from "./trace-fields.ts";

/** Where spans come from. */
export type Origin = { readonly resource: Resource; readonly scope: InstrumentationScope };

const NS_PER_SECOND = 1_000_000_000n;

/** `bytes`: fields `spans` of a message ScopeSpans. */
export function decodeBatch(bytes: Uint8Array, origin: Origin): ReadableSpan[] {
  return Array.from(fieldsOf(bytes), (span) => decodeSpan(span.bytes, origin));
}

function decodeSpan(bytes: Uint8Array, { resource, scope }: Origin): ReadableSpan {
  const message = new Message(bytes);
  const startTime = timeOf(message.number(SPAN.startTime));
  const endTime = timeOf(message.number(SPAN.endTime));
  const context = ownContext(message);
  const parentSpanContext = parentContext(message, context);
  return {
    name: message.text(SPAN.name),
    kind: Number(message.number(SPAN.kind)) - 1,
    spanContext: () => context,
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    startTime,
    endTime,
    duration: hrTimeDuration(startTime, endTime),
    ended: true,
    status: { code: message.has(SPAN.status) ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: attributesOf(message.all(SPAN.attributes)),
    events: message.all(SPAN.events).map(eventOf),
    links: message.all(SPAN.links).map(linkOf),
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function ownContext(message: Message): SpanContext {
  const traceState = message.text(SPAN.traceState);
  return {
    traceId: message.hex(SPAN.traceId),
    spanId: message.hex(SPAN.spanId),
    traceFlags: TraceFlags.SAMPLED,
    ...(traceState !== "" && { traceState: createTraceState(traceState) }),
  };
}

function parentContext(message: Message, own: SpanContext): SpanContext | undefined {
  if (!message.has(SPAN.parentSpanId)) return undefined;
  const isRemote = (Number(message.number(SPAN.flags)) & FLAGS.isRemote) !== 0;
  return { ...own, spanId: message.hex(SPAN.parentSpanId), isRemote };
}

function eventOf(bytes: Uint8Array): TimedEvent {
  const message = new Message(bytes);
  return {
    name: message.text(EVENT.name),
    time: timeOf(message.number(EVENT.time)),
    attributes: attributesOf(message.all(EVENT.attributes)),
  };
}

function linkOf(bytes: Uint8Array): Link {
  const message = new Message(bytes);
  return {
    context: {
      traceId: message.hex(LINK.traceId),
      spanId: message.hex(LINK.spanId),
      traceFlags: Number(message.number(LINK.flags)) & FLAGS.sampled,
    },
  };
}

function attributesOf(pairs: readonly Uint8Array[]): Attributes {
  const attributes: Attributes = {};
  for (const pair of pairs) {
    const message = new Message(pair);
    const [value] = message.all(KEY_VALUE.value);
    if (value !== undefined) attributes[message.text(KEY_VALUE.key)] = valueOf(value);
  }
  return attributes;
}

function valueOf(bytes: Uint8Array): Exclude<AttributeValue, readonly string[]> | string[] {
  const message = new Message(bytes);
  if (message.has(ANY.int)) return Number(BigInt.asIntN(64, message.number(ANY.int)));
  if (message.has(ANY.bool)) return message.number(ANY.bool) === 1n;
  if (message.has(ANY.double)) return doubleOf(message.number(ANY.double));
  const [list] = message.all(ANY.array);
  if (list === undefined) return message.text(ANY.string);
  return new Message(list).all(ARRAY.values).map((value) => new Message(value).text(ANY.string));
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? Number.NaN;
}

function timeOf(ns: bigint): HrTime {
  return [Number(ns / NS_PER_SECOND), Number(ns % NS_PER_SECOND)];
}
