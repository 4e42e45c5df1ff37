/**
 * Sends batches of spans to a collector in the bytes that they come in, by OpenTelemetry's environment variables.
 *
 * Used in the exporting thread alone.
 */
import { type ExportResult, ExportResultCode, globalErrorHandler } from "@opentelemetry/core";
import type { IOtlpExportDelegate } from "@opentelemetry/otlp-exporter-base";
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from "@opentelemetry/otlp-exporter-base/node-http";
import {
  convertLegacyOtlpGrpcOptions,
  createOtlpGrpcExportDelegate,
} from "@opentelemetry/otlp-grpc-exporter-base";
import { batchSerializer, type Origin } from "../otlp/export-request.ts";
import type { SpanBatch } from "../otlp/span-encoder.ts";
import { otlpProtocol } from "../settings/environment.ts";

type SpanSink = {
  /** Resolves when the batch is sent, or cannot be: then the log has been told. */
  send(batch: SpanBatch): Promise<void>;
  shutdown(): Promise<void>;
};

const GRPC_SERVICE = "TraceExportService";
const GRPC_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF = { "Content-Type": "application/x-protobuf" };

const COUNTED = { name: "span", countItems: ({ spans }: SpanBatch) => spans } as const;

export function otlpSink(environment: NodeJS.ProcessEnv, origin: Origin): SpanSink {
  const isGrpc = otlpProtocol(environment, "TRACES") === "grpc";
  const delegate = isGrpc ? grpcDelegate(origin) : httpDelegate(origin);
  return {
    send: async (batch) => {
      const { code, error } = await new Promise<ExportResult>((hear) => {
        delegate.export(batch, hear);
      });
      if (code === ExportResultCode.FAILED) globalErrorHandler(error ?? "spans were refused");
    },
    shutdown: () => delegate.shutdown(),
  };
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
