/** Names with their values, as fields `attributes` of spans, events and resources. */
import type { FlatAttributes } from "../spans/ended-span.ts";
import type { Attributes, AttributeValue } from "../spans/span.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";
import { ANY, ARRAY, KEY_VALUE } from "./trace-fields.ts";

export function writeAttributes(writer: ProtobufWriter, field: number, named: Attributes): void {
  for (const name in named) {
    const value = named[name];
    if (value !== undefined) writeAttribute(writer, field, name, value);
  }
}

export function writeFlat(writer: ProtobufWriter, field: number, flat: FlatAttributes): void {
  for (let index = 0; index < flat.length; index += 2) {
    writeAttribute(writer, field, flat[index] as string, flat[index + 1] as AttributeValue);
  }
}

function writeAttribute(
  writer: ProtobufWriter,
  field: number,
  name: string,
  value: AttributeValue,
): void {
  const start = writer.open(field);
  writer.string(KEY_VALUE.key, name);
  writeValue(writer, KEY_VALUE.value, value);
  writer.close(start);
}

function writeValue(writer: ProtobufWriter, field: number, value: AttributeValue): void {
  const start = writer.open(field);
  if (typeof value === "string") writer.string(ANY.string, value);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (typeof value === "boolean") writer.varint(ANY.bool, value ? 1 : 0);
  else {
    const list = writer.open(ANY.array);
    for (const item of value) writeValue(writer, ARRAY.values, item);
    writer.close(list);
  }
  writer.close(start);
}

function writeNumber(writer: ProtobufWriter, value: number): void {
  if (!Number.isSafeInteger(value)) writer.double(ANY.double, value);
  else if (value < 0) writer.negative(ANY.int, value);
  else writer.varint(ANY.int, value);
}
