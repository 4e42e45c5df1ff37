/** What a client with tracing of its own sends along: its trace and its span, by W3C Trace Context. */
import { randomBytes } from "node:crypto";

type TraceContext = {
  readonly traceId: string;
  readonly spanId: string;
  readonly headers: { readonly traceparent: string };
};

export function newTraceContext({ sampled = true } = {}): TraceContext {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  const flags = sampled ? "01" : "00";
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}` } };
}
