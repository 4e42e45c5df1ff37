/**
 * The thread that exports spans: OpenTelemetry's SDK with its exporters, limits and batches, set up by its environment
 * variables, and spans made again from the notes that span-outbox.ts sends.
 *
 * Ids, times and parents are those of the notes, and whatever comes here has been sampled already. Spans wait in the
 * SDK's queue, which is bounded: while a collector is away or slow they are dropped.
 */
import { createTraceState, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Attributes, Context, HrTime, Link, SpanKind, Tracer } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { AlwaysOnSampler } from "@opentelemetry/sdk-trace";
import { parentPort, workerData } from "node:worker_threads";
import { listenToSdk } from "./complaints.ts";
import { detectorsOf } from "./detectors.ts";
import type { ExporterOptions, FromExporter, ToExporter } from "./span-outbox.ts";
import type { FlatAttributes, SpanRecord } from "./span-record.ts";

/** What the next span is to be called. */
const ids = { traceId: "", spanId: "" };

function say(message: FromExporter): void {
  parentPort?.postMessage(message);
}

function start({ serviceName, instanceId }: ExporterOptions): NodeSDK {
  const sdk = new NodeSDK({
    ...(serviceName !== undefined && { serviceName }),
    ...detectorsOf(process.env, instanceId),
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
    textMapPropagator: null,
    metricReaders: [],
    logRecordProcessors: [],
  });
  listenToSdk((complaint) => say({ complaint }));
  sdk.start();
  return sdk;
}

function replay(tracer: Tracer, record: SpanRecord): void {
  const [name, kind, traceId, spanId, , , , startMs, endMs, attributes, events, links] = record;
  ids.traceId = traceId;
  ids.spanId = spanId;
  const options = {
    kind: kind as SpanKind,
    startTime: timeOf(startMs),
    attributes: objectOf(attributes),
    links: links.map(([linked, span, traceFlags]): Link => ({
      context: { traceId: linked, spanId: span, traceFlags },
    })),
  };
  const span = tracer.startSpan(name, options, contextOf(record));
  for (const [event, atMs, more] of events) span.addEvent(event, more as Attributes, timeOf(atMs));
  const hasFailed = record[12];
  if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(timeOf(endMs));
}

function contextOf([, , traceId, , spanId, isRemote, traceState]: SpanRecord): Context {
  if (spanId === "") return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    isRemote,
    traceFlags: 1,
    ...(traceState !== "" && { traceState: createTraceState(traceState) }),
  });
}

function objectOf(flat: FlatAttributes): Attributes {
  const attributes: Attributes = {};
  for (let index = 0; index < flat.length; index += 2) {
    attributes[flat[index] as string] = flat[index + 1];
  }
  return attributes;
}

/** Plain numbers would be taken for times since this thread began, where they are small enough. */
function timeOf(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.round((epochMs - seconds * 1000) * 1e6)];
}

const sdk = start(workerData as ExporterOptions);
const tracer = trace.getTracer("localmodel");

async function stop(): Promise<void> {
  // What cannot be sent is lost: the exporters have said so.
  await sdk.shutdown().catch(() => undefined);
  parentPort?.close();
}

parentPort?.on("message", (message: ToExporter) => {
  if (message === "stop") return void stop();
  for (const record of message.spans) replay(tracer, record);
  say({ taken: message.spans.length });
});
