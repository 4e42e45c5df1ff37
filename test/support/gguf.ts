/**
 * Writes GGUF v3, the file format llama.cpp loads.
 *
 * A file is a header, typed key-value metadata, a table of tensors, and the tensors' data, everything
 * little-endian and each tensor at a multiple of the alignment. `encodeGguf` returns exactly these
 * bytes: equal input gives equal files.
 */
/// <reference lib="esnext.float16" />

const MAGIC = 0x46_55_47_47; // "GGUF" read as a little-endian integer
const VERSION = 3;
const ALIGNMENT_BYTES = 32;

/** A value of the metadata, already in the file's form: made by `metadataValue.u32(…)` and its like. */
export type GgufValue = { readonly encoded: Buffer };

/** Dimensions in ggml's order: the row length first. */
export type GgufTensor = {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: "f32" | "f16";
  readonly values: Float32Array;
};

type GgufFile = {
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
};

const VALUE_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPE = { f32: 0, f16: 1 } as const;

export function encodeGguf({ metadata, tensors }: GgufFile): Buffer {
  const entries = Object.entries(metadata);
  const data = tensors.map(tensorData);
  const head: Buffer[] = [u32(MAGIC), u32(VERSION), u64(tensors.length), u64(entries.length)];
  for (const [key, value] of entries) head.push(encodeEntry(key, value));
  let offset = 0;
  for (const [index, tensor] of tensors.entries()) {
    head.push(string(tensor.name), u32(tensor.dimensions.length));
    head.push(...tensor.dimensions.map(u64), u32(TENSOR_TYPE[tensor.type]), u64(offset));
    offset += data[index]?.length ?? 0;
  }
  return Buffer.concat([padded(Buffer.concat(head)), ...data]);
}

export function encodeEntry(key: string, value: GgufValue): Buffer {
  return Buffer.concat([string(key), value.encoded]);
}

export const metadataValue = {
  u32: (value: number) => typed(VALUE_TYPE.u32, u32(value)),
  f32: (value: number) => typed(VALUE_TYPE.f32, f32(value)),
  bool: (value: boolean) => typed(VALUE_TYPE.bool, Buffer.from([value ? 1 : 0])),
  text: (value: string) => typed(VALUE_TYPE.string, string(value)),
  texts: (values: readonly string[]) => array(VALUE_TYPE.string, values.map(string)),
  i32s: (values: readonly number[]) => array(VALUE_TYPE.i32, values.map(i32)),
  f32s: (values: readonly number[]) => array(VALUE_TYPE.f32, values.map(f32)),
} satisfies Record<string, (value: never) => GgufValue>;

function typed(type: number, value: Buffer): GgufValue {
  return { encoded: Buffer.concat([u32(type), value]) };
}

function array(elementType: number, elements: readonly Buffer[]): GgufValue {
  const head = [u32(elementType), u64(elements.length)];
  return typed(VALUE_TYPE.array, Buffer.concat([...head, ...elements]));
}

function tensorData({ name, dimensions, type, values }: GgufTensor): Buffer {
  const count = dimensions.reduce((product, dimension) => product * dimension, 1);
  if (count !== values.length) {
    throw new Error(
      `Encoding tensor ${name}: it has ${values.length} values, its dimensions ${dimensions.join("x")} ask for ${count}`,
    );
  }
  const elements = type === "f16" ? new Float16Array(values) : values;
  return padded(Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength));
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % ALIGNMENT_BYTES;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(ALIGNMENT_BYTES - rest)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
}
