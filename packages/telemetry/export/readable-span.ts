/**
 * Spans in the form of OpenTelemetry's SDK, for exporters that send something else than OTLP's bytes: the console, and
 * OTLP as JSON. Neither is made for many spans, so they are handed over in the thread that ends them.
 */
import {
  type Attributes,
  createTraceState,
  type HrTime,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { hrTimeDuration } from "@opentelemetry/core";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Origin } from "../otlp/export-request.ts";
import type { EndedSpan, FlatAttributes } from "../spans/ended-span.ts";
import { hexOf } from "../spans/ids.ts";
import type { AttributeValue, Attributes as Named } from "../spans/span.ts";

const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;

/** A copy: `span` may go on being told things that nobody is to hear any more. */
export function readableSpan(span: EndedSpan, { resource, scope }: Origin): ReadableSpan {
  const startTime = timeOf(span.startMs);
  const endTime = timeOf(span.endMs);
  const { state } = span.trace;
  const context: SpanContext = {
    traceId: hexOf(span.trace.id),
    spanId: hexOf(span.id),
    traceFlags: TraceFlags.SAMPLED,
    ...(state !== "" && { traceState: createTraceState(state) }),
  };
  const { parentId, isParentRemote: isRemote } = span;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    ...(parentId && { parentSpanContext: { ...context, spanId: hexOf(parentId), isRemote } }),
    startTime,
    endTime,
    duration: hrTimeDuration(startTime, endTime),
    ended: true,
    status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: attributesOf(pairsOf(span.attributes)),
    events: span.events.map(({ name, atMs, attributes }) => ({
      name,
      time: timeOf(atMs),
      attributes: attributesOf(Object.entries(attributes)),
    })),
    links: span.links.map(({ traceId, spanId, isRecording }) => {
      const traceFlags = isRecording ? TraceFlags.SAMPLED : TraceFlags.NONE;
      return { context: { traceId, spanId, traceFlags } };
    }),
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

type Pair = readonly [name: string, value: Named[string]];

function* pairsOf(flat: FlatAttributes): Iterable<Pair> {
  for (let index = 0; index < flat.length; index += 2) {
    yield [String(flat[index]), flat[index + 1]];
  }
}

/** Every name is a property of its own, also one that an assignment would take for something else: `__proto__`. */
function attributesOf(pairs: Iterable<Pair>): Attributes {
  const said = [...pairs].filter((pair): pair is [string, AttributeValue] => pair[1] !== undefined);
  return Object.fromEntries(said.map(([name, value]) => [name, copyOf(value)]));
}

function copyOf(value: AttributeValue): string | number | boolean | string[] {
  return typeof value === "object" ? [...value] : value;
}

function timeOf(epochMs: number): HrTime {
  const ms = Math.floor(epochMs);
  const seconds = Math.floor(ms / 1000);
  const ns = (ms % 1000) * NS_PER_MS + Math.round((epochMs - ms) * NS_PER_MS);
  return ns < NS_PER_SECOND ? [seconds, ns] : [seconds + 1, ns - NS_PER_SECOND];
}
