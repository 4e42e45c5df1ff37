/**
 * Spans of OpenTelemetry behind the interface of span.ts.
 *
 * Times nest: a span does not begin before its parent, nor end before its children of the same process.
 *
 * A trace that the sampler did not choose has one span in each process, which stands for all below it: its ids go on
 * their way to logs and to the next process, and nothing else is done for it.
 */
import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as OtelTracerApi,
} from "@opentelemetry/api";
import { epochMs } from "./epoch.ts";
import type { Attributes, IncomingHeaders, Span, SpanOptions, Tracer } from "./span.ts";

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

export class OtelTracer implements Tracer {
  readonly #tracer: OtelTracerApi;

  constructor(tracer: OtelTracerApi) {
    this.#tracer = tracer;
  }

  start(name: string, options: SpanOptions & { readonly headers?: IncomingHeaders }): Span {
    const { headers } = options;
    return begin(this.#tracer, name, {
      ...options,
      context: headers === undefined ? ROOT_CONTEXT : contextIn(headers),
    });
  }
}

/** Only the trace's: baggage is not passed on. */
function contextIn(headers: IncomingHeaders): Context {
  if (headers["traceparent"] === undefined && headers["b3"] === undefined) return ROOT_CONTEXT;
  const remote = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
  return remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
}

type Beginning = SpanOptions & { readonly context: Context; readonly parent?: RecordedSpan };

function begin(tracer: OtelTracerApi, name: string, beginning: Beginning): RecordedSpan {
  const { kind = "internal", attributes, links, parent, context } = beginning;
  const startMs = Math.max(beginning.startMs ?? epochMs(), parent?.startMs ?? 0);
  const options = {
    kind: KINDS[kind],
    startTime: startMs,
    ...(links !== undefined && { links: links.map(linkTo) }),
  };
  const span = tracer.startSpan(name, options, context);
  // Not before it is known to be kept: the SDK would check them twice, and for nothing when it is not.
  if (attributes !== undefined && span.isRecording()) span.setAttributes(attributes);
  return new RecordedSpan(tracer, span, { startMs, parent });
}

function linkTo({ traceId, spanId, isRecording }: Span) {
  return { context: { traceId, spanId, traceFlags: isRecording ? 1 : 0 } };
}

class RecordedSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRecording: boolean;
  readonly startMs: number;
  readonly #tracer: OtelTracerApi;
  readonly #span: OtelSpan;
  readonly #parent: RecordedSpan | undefined;
  #ownContext: Context | undefined;
  /** When the last of its children ended. */
  #childrenMs = 0;

  constructor(
    tracer: OtelTracerApi,
    span: OtelSpan,
    { startMs, parent }: { startMs: number; parent: RecordedSpan | undefined },
  ) {
    const { traceId, spanId } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.isRecording = span.isRecording();
    this.startMs = startMs;
    this.#tracer = tracer;
    this.#span = span;
    this.#parent = parent;
  }

  child(name: string, options: SpanOptions = {}): Span {
    if (!this.isRecording) return this;
    return begin(this.#tracer, name, { ...options, context: this.#context(), parent: this });
  }

  set(attributes: Attributes): void {
    if (this.isRecording) this.#span.setAttributes(attributes);
  }

  event(name: string, atMs?: number, attributes?: Attributes): void {
    if (!this.isRecording) return;
    this.#span.addEvent(name, attributes, atMs ?? epochMs());
  }

  fail(errorType: string): void {
    if (!this.isRecording) return;
    this.#span.setAttribute("error.type", errorType);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(endMs?: number): void {
    if (!this.isRecording) return;
    const atMs = Math.max(endMs ?? epochMs(), this.#childrenMs);
    const parent = this.#parent;
    if (parent !== undefined) parent.#childrenMs = Math.max(parent.#childrenMs, atMs);
    this.#span.end(atMs);
  }

  inject(headers: Record<string, string>): void {
    propagation.inject(this.#context(), headers);
  }

  #context(): Context {
    this.#ownContext ??= trace.setSpan(ROOT_CONTEXT, this.#span);
    return this.#ownContext;
  }
}
