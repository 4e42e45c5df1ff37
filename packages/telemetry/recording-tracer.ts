/**
 * Spans that only take notes: what becomes of them is another thread's work, see span-outbox.ts.
 *
 * Times nest: a span does not begin before its parent, nor end before its children of the same process.
 *
 * A trace that the sampler did not choose has one span in each process, which stands for all below it: its ids go on
 * their way to logs and to the next process, and nothing else is done for it.
 */
import { propagation, ROOT_CONTEXT, type SpanContext, trace, TraceFlags } from "@opentelemetry/api";
import { type Sampler, SamplingDecision } from "@opentelemetry/sdk-trace";
import { epochMs } from "./epoch.ts";
import type { Inject } from "./inject.ts";
import type {
  Attributes,
  AttributeValue,
  IncomingHeaders,
  Span,
  SpanOptions,
  Tracer,
} from "./span.ts";
import { KINDS, type SpanEvent, type SpanLink, type SpanRecord } from "./span-record.ts";
import { newSpanId, newTraceId } from "./trace-ids.ts";

/** Where notes go, and how a trace is passed on. */
export type Ways = {
  readonly keep: (record: SpanRecord) => void;
  readonly inject: Inject;
};

export class RecordingTracer implements Tracer {
  readonly #sampler: Sampler;
  readonly #ways: Ways;

  constructor(sampler: Sampler, ways: Ways) {
    this.#sampler = sampler;
    this.#ways = ways;
  }

  start(name: string, options: SpanOptions & { readonly headers?: IncomingHeaders }): Span {
    const parent = options.headers === undefined ? undefined : contextIn(options.headers);
    const origin = {
      traceId: parent?.traceId ?? newTraceId(),
      traceState: parent?.traceState?.serialize() ?? "",
      parentSpanId: parent?.spanId ?? "",
      isParentRemote: true,
    };
    return this.#isChosen(name, options, origin.traceId, parent)
      ? new RecordedSpan(this.#ways, name, origin, options)
      : new UnrecordedSpan(this.#ways, origin);
  }

  #isChosen(name: string, { kind }: SpanOptions, traceId: string, parent?: SpanContext): boolean {
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const number = KINDS[kind ?? "internal"];
    const { decision } = this.#sampler.shouldSample(context, traceId, name, number, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }
}

/** Only the trace's: baggage is not passed on. */
function contextIn(headers: IncomingHeaders): SpanContext | undefined {
  if (headers["traceparent"] === undefined && headers["b3"] === undefined) return undefined;
  return trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
}

/** Where a span hangs. */
type Origin = {
  readonly traceId: string;
  readonly traceState: string;
  readonly parentSpanId: string;
  readonly isParentRemote: boolean;
  readonly parent?: RecordedSpan;
};

class RecordedSpan implements Span {
  readonly traceId: string;
  readonly spanId = newSpanId();
  readonly isRecording = true;
  readonly #ways: Ways;
  readonly #name: string;
  readonly #kind: number;
  readonly #origin: Origin;
  readonly #startMs: number;
  readonly #attributes: AttributeValue[] = [];
  readonly #links: readonly SpanLink[];
  #events: SpanEvent[] = NONE;
  #hasFailed = false;
  #hasEnded = false;
  /** When the last of its children ended. */
  #childrenMs = 0;

  constructor(ways: Ways, name: string, origin: Origin, options: SpanOptions) {
    this.traceId = origin.traceId;
    this.#ways = ways;
    this.#name = name;
    this.#kind = KINDS[options.kind ?? "internal"];
    this.#origin = origin;
    const { parent } = origin;
    const sinceMs = parent === undefined ? 0 : parent.#startMs;
    this.#startMs = Math.max(options.startMs ?? epochMs(), sinceMs);
    this.#links = options.links?.map(linkTo) ?? NONE;
    if (options.attributes !== undefined) this.set(options.attributes);
  }

  child(name: string, options: SpanOptions = {}): Span {
    const { traceId, spanId: parentSpanId } = this;
    const { traceState } = this.#origin;
    const origin = { traceId, traceState, parentSpanId, isParentRemote: false, parent: this };
    return new RecordedSpan(this.#ways, name, origin, options);
  }

  set(attributes: Attributes): void {
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.#attributes.push(name, value);
    }
  }

  event(name: string, atMs = epochMs(), attributes: Attributes = {}): void {
    if (this.#events === NONE) this.#events = [];
    this.#events.push([name, atMs, attributes]);
  }

  fail(errorType: string): void {
    this.#attributes.push("error.type", errorType);
    this.#hasFailed = true;
  }

  end(endMs?: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { parent, parentSpanId, isParentRemote, traceState } = this.#origin;
    const atMs = Math.max(endMs ?? epochMs(), this.#childrenMs, this.#startMs);
    if (parent !== undefined) parent.#childrenMs = Math.max(parent.#childrenMs, atMs);
    this.#ways.keep([
      this.#name,
      this.#kind,
      this.traceId,
      this.spanId,
      parentSpanId,
      isParentRemote,
      traceState,
      this.#startMs,
      atMs,
      this.#attributes,
      this.#events,
      this.#links,
      this.#hasFailed,
    ]);
  }

  inject(headers: Record<string, string>): void {
    this.#ways.inject(headers, this, this.#origin.traceState);
  }
}

/** Shared by all that have none. */
const NONE: never[] = [];

/** Stands for its whole trace in this process. */
class UnrecordedSpan implements Span {
  readonly traceId: string;
  readonly spanId = newSpanId();
  readonly isRecording = false;
  readonly #inject: Inject;
  readonly #traceState: string;

  constructor({ inject }: Ways, { traceId, traceState }: Origin) {
    this.traceId = traceId;
    this.#inject = inject;
    this.#traceState = traceState;
  }

  child(): Span {
    return this;
  }
  set(): void {}
  event(): void {}
  fail(): void {}
  end(): void {}

  inject(headers: Record<string, string>): void {
    this.#inject(headers, this, this.#traceState);
  }
}

function linkTo({ traceId, spanId, isRecording }: Span): SpanLink {
  return [traceId, spanId, isRecording ? TraceFlags.SAMPLED : TraceFlags.NONE];
}
