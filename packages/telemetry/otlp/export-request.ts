/** A batch of spans, which are encoded already, as a message ExportTraceServiceRequest: copied behind their origin. */
import type { InstrumentationScope } from "@opentelemetry/core";
import {
  type IExportTraceServiceResponse,
  type ISerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import type { Resource } from "@opentelemetry/resources";
import type { Attributes } from "../spans/span.ts";
import { writeAttributes } from "./attributes.ts";
import { ProtobufWriter, sizeOfVarint } from "./protobuf-writer.ts";
import type { SpanBatch } from "./span-encoder.ts";
import { REQUEST, RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS } from "./trace-fields.ts";

/** Where spans come from. */
export type Origin = { readonly resource: Resource; readonly scope: InstrumentationScope };

const INITIAL_BYTES = 65_536;

/** For one batch after another: a request stands in the memory of the one before, which has been sent. */
export function batchSerializer(
  origin: Origin,
): ISerializer<SpanBatch, IExportTraceServiceResponse> {
  const writer = new ProtobufWriter(INITIAL_BYTES);
  let fields: OriginFields | undefined;
  return {
    serializeRequest: ({ bytes }) => {
      // What there is to say of a process may be known only after its start.
      fields ??= fieldsOf(origin);
      writer.clear();
      writeRequest(writer, bytes, fields);
      return writer.written;
    },
    deserializeResponse: (response) => ProtobufTraceSerializer.deserializeResponse(response),
  };
}

type OriginFields = { readonly resource: Uint8Array; readonly scope: Uint8Array };

function fieldsOf({ resource, scope }: Origin): OriginFields {
  return {
    resource: message(RESOURCE_SPANS.resource, (writer) =>
      writeAttributes(writer, RESOURCE.attributes, resource.attributes as Attributes),
    ),
    scope: message(SCOPE_SPANS.scope, (writer) => writer.string(SCOPE.name, scope.name)),
  };
}

function message(field: number, write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter(1024);
  const start = writer.open(field);
  write(writer);
  writer.close(start);
  return writer.take();
}

function writeRequest(
  writer: ProtobufWriter,
  spans: Uint8Array,
  { resource, scope }: OriginFields,
): void {
  const scopeSpansBytes = scope.length + spans.length;
  const resourceSpansBytes = resource.length + sizeOfField(scopeSpansBytes);
  writer.announce(REQUEST.resourceSpans, resourceSpansBytes);
  writer.bytes(resource);
  writer.announce(RESOURCE_SPANS.scopeSpans, scopeSpansBytes);
  writer.bytes(scope);
  writer.bytes(spans);
}

/** Of a message in a field with a small number. */
function sizeOfField(messageBytes: number): number {
  return 1 + sizeOfVarint(messageBytes) + messageBytes;
}
