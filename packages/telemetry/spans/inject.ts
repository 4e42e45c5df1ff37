/**
 * Passing a trace on in the headers of a request to another process, in the formats that `OTEL_PROPAGATORS` names.
 *
 * W3C's own, the default, is written by hand: it is one line, and every request that is forwarded needs it, whether
 * its trace is kept or not.
 */
import {
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { listOf } from "../settings/environment.ts";
import type { Span } from "./span.ts";

type Place = Pick<Span, "traceId" | "spanId" | "isRecording">;

/** `traceState`: as in the header; empty for none. */
export type Inject = (headers: Record<string, string>, place: Place, traceState: string) => void;

/** After the SDK has started, which knows the other formats. */
export function injectorOf(environment: NodeJS.ProcessEnv): Inject {
  const named = listOf(environment["OTEL_PROPAGATORS"]);
  // Baggage is not passed on, so its format has nothing to say.
  const formats = named.filter((name) => name !== "baggage");
  const isW3c = named.length === 0 || (formats.length === 1 && formats[0] === "tracecontext");
  return isW3c ? injectW3c : injectAsAsked;
}

/** https://www.w3.org/TR/trace-context/ */
function injectW3c(headers: Record<string, string>, place: Place, traceState: string): void {
  const flags = place.isRecording ? "01" : "00";
  headers["traceparent"] = `00-${place.traceId}-${place.spanId}-${flags}`;
  if (traceState !== "") headers["tracestate"] = traceState;
}

function injectAsAsked(headers: Record<string, string>, place: Place, traceState: string): void {
  const { traceId, spanId, isRecording } = place;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: isRecording ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(traceState !== "" && { traceState: createTraceState(traceState) }),
  };
  propagation.inject(trace.setSpanContext(ROOT_CONTEXT, context), headers);
}
