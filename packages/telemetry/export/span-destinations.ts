/**
 * Where spans go once they have ended, by OpenTelemetry's environment variables.
 *
 * The SDK would read the variables itself, but only for spans of its own. To a collector that takes OTLP's bytes, the
 * default, spans go through a thread of their own (span-outbox.ts); everybody else gets them in the SDK's form.
 */
import { diag } from "@opentelemetry/api";
import { globalErrorHandler } from "@opentelemetry/core";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { Resource } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type SpanExporter,
} from "@opentelemetry/sdk-trace";
import { listOf, otlpProtocol } from "../settings/environment.ts";
import { batchLimits } from "../settings/span-limits.ts";
import type { EndedSpan } from "../spans/ended-span.ts";
import type { Identity } from "./detectors.ts";
import { readableSpan } from "./readable-span.ts";
import { SCOPE } from "./scope.ts";
import { SpanOutbox } from "./span-outbox.ts";

type SpanDestination = {
  readonly keep: (span: EndedSpan) => void;
  /** Resolves when all is sent, or cannot be: then the log has been told. May take longer than `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
};

type SpanSource = {
  readonly identity: Identity;
  readonly resource: Resource;
  readonly complain: (message: string) => void;
};

const NAMES = "OTEL_TRACES_EXPORTER";

export function spanDestinations(
  environment: NodeJS.ProcessEnv,
  source: SpanSource,
): readonly SpanDestination[] {
  const named = listOf(environment[NAMES]);
  return [...new Set(named.length === 0 ? ["otlp"] : named)].flatMap((name) => {
    if (name === "otlp") return otlp(environment, source);
    if (name === "console") return readable(new ConsoleSpanExporter(), environment, source);
    diag.warn(`${NAMES} has "${name}", it should be otlp, console or none: left out`);
    return [];
  });
}

function otlp(environment: NodeJS.ProcessEnv, source: SpanSource): SpanDestination {
  if (otlpProtocol(environment, "TRACES") === "http/json") {
    return readable(new JsonExporter(), environment, source);
  }
  return new SpanOutbox(source.identity, batchLimits(environment), source.complain);
}

function readable(
  exporter: SpanExporter,
  environment: NodeJS.ProcessEnv,
  { resource }: SpanSource,
): SpanDestination {
  const { waitingSpans, batchSpans, delayMs } = batchLimits(environment);
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: waitingSpans,
    maxExportBatchSize: batchSpans,
    scheduledDelayMillis: delayMs,
  });
  const origin = { resource, scope: SCOPE };
  return {
    keep: (span) => processor.onEnd(readableSpan(span, origin)),
    stop: () => processor.shutdown().catch(globalErrorHandler),
  };
}

/** One function for all of them, which is called wherever a span ends. */
export function keepIn(destinations: readonly SpanDestination[]): SpanDestination["keep"] {
  const [only, ...others] = destinations;
  if (only !== undefined && others.length === 0) return only.keep;
  return (span) => {
    for (const { keep } of destinations) keep(span);
  };
}
