/**
 * Spans that only take notes: what becomes of them is told by export/span-outbox.ts.
 *
 * Times nest: a span does not begin before its parent, nor end before its children of the same process.
 *
 * A trace that the sampler did not choose has one span in each process, which stands for all below it: its ids go on
 * their way to logs and to the next process, and nothing else is done for it.
 */
import { propagation, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";
import { type Sampler, SamplingDecision } from "@opentelemetry/sdk-trace";
import { KINDS } from "./ended-span.ts";
import { hexOf, idOf, newTraceId } from "./ids.ts";
import { RecordedSpan, type Trace, UnrecordedSpan, type Ways } from "./recorded-span.ts";
import type { IncomingHeaders, Span, SpanOptions, Tracer } from "./span.ts";

export class RecordingTracer implements Tracer {
  readonly #sampler: Sampler;
  readonly #ways: Ways;

  constructor(sampler: Sampler, ways: Ways) {
    this.#sampler = sampler;
    this.#ways = ways;
  }

  start(name: string, options: SpanOptions & { readonly headers?: IncomingHeaders }): Span {
    const parent = options.headers === undefined ? undefined : contextIn(options.headers);
    const own = parent === undefined ? newTrace() : traceOf(parent);
    if (!this.#isChosen(name, options, own.hex, parent)) return new UnrecordedSpan(this.#ways, own);
    const place = { trace: own, parentId: parent && idOf(parent.spanId), isParentRemote: true };
    return new RecordedSpan(this.#ways, name, options, place);
  }

  #isChosen(name: string, { kind }: SpanOptions, traceId: string, parent?: SpanContext): boolean {
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const number = KINDS[kind ?? "internal"];
    const { decision } = this.#sampler.shouldSample(context, traceId, name, number, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }
}

function newTrace(): Trace {
  const id = newTraceId();
  return { id, hex: hexOf(id), state: "" };
}

function traceOf({ traceId, traceState }: SpanContext): Trace {
  return { id: idOf(traceId), hex: traceId, state: traceState?.serialize() ?? "" };
}

/** Only the trace's: baggage is not passed on. */
function contextIn(headers: IncomingHeaders): SpanContext | undefined {
  if (headers["traceparent"] === undefined && headers["b3"] === undefined) return undefined;
  return trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
}
