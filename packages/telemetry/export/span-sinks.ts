/**
 * Where batches of spans are sent, by OpenTelemetry's environment variables.
 *
 * The SDK would read the variables itself, but only for spans of its own. To a collector batches go in the bytes that
 * they come in; exporters of other forms are given what the bytes say.
 */
import { diag } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode, globalErrorHandler } from "@opentelemetry/core";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { type IOtlpExportDelegate } from "@opentelemetry/otlp-exporter-base";
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from "@opentelemetry/otlp-exporter-base/node-http";
import {
  convertLegacyOtlpGrpcOptions,
  createOtlpGrpcExportDelegate,
} from "@opentelemetry/otlp-grpc-exporter-base";
import { ConsoleSpanExporter, type SpanExporter } from "@opentelemetry/sdk-trace";
import { batchSerializer } from "../otlp/export-request.ts";
import { decodeBatch, type Origin } from "../otlp/span-decoder.ts";
import type { SpanBatch } from "../otlp/span-encoder.ts";
import { listOf, otlpProtocol } from "../settings/environment.ts";

export type SpanSink = {
  /** Resolves when the batch is sent, or cannot be: then the log has been told. */
  send(batch: SpanBatch): Promise<void>;
  shutdown(): Promise<void>;
};

const NAMES = "OTEL_TRACES_EXPORTER";
const GRPC_SERVICE = "TraceExportService";
const GRPC_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF = { "Content-Type": "application/x-protobuf" };

const COUNTED = { name: "span", countItems: ({ spans }: SpanBatch) => spans } as const;

export function spanSinks(environment: NodeJS.ProcessEnv, origin: Origin): readonly SpanSink[] {
  const named = listOf(environment[NAMES]);
  return [...new Set(named.length === 0 ? ["otlp"] : named)].flatMap((name) => {
    if (name === "otlp") return otlpSink(environment, origin);
    if (name === "console") return decoding(new ConsoleSpanExporter(), origin);
    diag.warn(`${NAMES} has "${name}", it should be otlp, console or none: left out`);
    return [];
  });
}

function otlpSink(environment: NodeJS.ProcessEnv, origin: Origin): SpanSink {
  switch (otlpProtocol(environment, "TRACES")) {
    case "grpc":
      return encoded(grpcDelegate(origin));
    case "http/json":
      return decoding(new JsonExporter(), origin);
    default:
      return encoded(httpDelegate(origin));
  }
}

function httpDelegate(origin: Origin): IOtlpExportDelegate<SpanBatch> {
  return createOtlpHttpExportDelegate(
    convertLegacyHttpOptions({}, "TRACES", "v1/traces", PROTOBUF),
    batchSerializer(origin),
    "otlp_http_span_exporter",
    COUNTED,
    undefined,
  );
}

function grpcDelegate(origin: Origin): IOtlpExportDelegate<SpanBatch> {
  return createOtlpGrpcExportDelegate(
    convertLegacyOtlpGrpcOptions({}, "TRACES"),
    batchSerializer(origin),
    "otlp_grpc_span_exporter",
    COUNTED,
    undefined,
    GRPC_SERVICE,
    GRPC_METHOD,
  );
}

function encoded(delegate: IOtlpExportDelegate<SpanBatch>): SpanSink {
  return {
    send: (batch) => told((hear) => delegate.export(batch, hear)),
    shutdown: () => delegate.shutdown(),
  };
}

function decoding(exporter: SpanExporter, origin: Origin): SpanSink {
  return {
    send: ({ bytes }) => told((hear) => exporter.export(decodeBatch(bytes, origin), hear)),
    shutdown: () => exporter.shutdown(),
  };
}

async function told(send: (hear: (result: ExportResult) => void) => void): Promise<void> {
  const { code, error } = await new Promise<ExportResult>(send);
  if (code === ExportResultCode.FAILED) globalErrorHandler(error ?? "spans were refused");
}
