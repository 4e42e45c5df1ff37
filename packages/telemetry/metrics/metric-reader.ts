/**
 * Sends the metrics of a registry to a collector, by OpenTelemetry's environment variables.
 *
 * The SDK would read the variables itself, but only for metrics of its own.
 */
import { OTLPMetricExporter as GrpcExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import {
  ConsoleMetricExporter,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { metricProducer } from "./metric-producer.ts";
import type { MetricRegistry } from "./metrics.ts";
import { listOf, otlpProtocol } from "../settings/environment.ts";

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;

export function metricReaders(
  registry: MetricRegistry,
  environment: NodeJS.ProcessEnv,
): PeriodicExportingMetricReader[] {
  const named = listOf(environment["OTEL_METRICS_EXPORTER"]);
  const exporters = named.length === 0 ? ["otlp"] : named;
  const exportIntervalMillis =
    milliseconds(environment["OTEL_METRIC_EXPORT_INTERVAL"]) ?? INTERVAL_MS;
  const timeoutMs = milliseconds(environment["OTEL_METRIC_EXPORT_TIMEOUT"]) ?? TIMEOUT_MS;
  return exporters.flatMap((name) => {
    const exporter = exporterOf(name, environment);
    if (exporter === undefined) return [];
    return new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(timeoutMs, exportIntervalMillis),
      metricProducers: [metricProducer(registry)],
    });
  });
}

/** Undefined for "prometheus", which has a port of its own here, and for names that nobody knows. */
function exporterOf(name: string, environment: NodeJS.ProcessEnv): PushMetricExporter | undefined {
  if (name === "console") return new ConsoleMetricExporter();
  if (name !== "otlp") return undefined;
  switch (otlpProtocol(environment, "METRICS")) {
    case "grpc":
      return new GrpcExporter();
    case "http/json":
      return new JsonExporter();
    default:
      return new ProtobufExporter();
  }
}

function milliseconds(value: string | undefined): number | undefined {
  const parsed = Number(value);
  return Number.isInteger(parsed) && parsed > 0 ? parsed : undefined;
}
