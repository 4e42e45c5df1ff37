/**
 * Reads the header of a GGUF, as much as is needed to know what the file claims to be and how long it
 * must be.
 *
 * Nothing in the file is believed: every count and length is checked against the bytes that are really
 * there, so a hostile or truncated header costs one pass over at most the file, and little memory. The
 * layout: magic, version, tensor count, key-value count, key-values, tensor infos, padding, tensor data.
 */
import { tensorBytes } from "./ggml-types.ts";
import type { ByteCursor } from "./byte-cursor.ts";
import { GgufHeaderError, type GgufValue, readValue } from "./gguf-values.ts";

export const GGUF_MAGIC = "GGUF";

export type GgufValues = ReadonlyMap<string, GgufValue>;

export type Projections = ReadonlyMap<string, number>;

export type GgufHeader = {
  readonly version: number;
  readonly tensorCount: number;
  /** Length the file must at least have for all of its tensors. */
  readonly requiredBytes: number;
  /** Where the last of them ends at the latest; beyond it there is nothing that anybody reads. */
  readonly meaningfulBytes: number;
  /** Elements of all tensors of this file. */
  readonly parameters: number;
  /** Of tensors that project (`mm.*`), by name: how long what they make is. */
  readonly projections: Projections;
  /** The metadata; of what is long only the length. */
  readonly values: GgufValues;
  /** Of a split GGUF: how many parts there are, and which one this is, from 0. */
  readonly splitCount?: number;
  readonly splitNumber?: number;
};

export type TensorFact = {
  readonly name: string;
  readonly bytes: number;
  /** Its last dimension. */
  readonly length: number;
};

/** Told of each tensor, for those who want to know more than their number. */
type TensorVisitor = (tensor: TensorFact) => void;

const MAX_TENSORS = 1 << 20;
const MAX_KEY_VALUES = 1 << 20;
/** Of the metadata that is kept; models have tens of values. */
const MAX_VALUES = 4096;
const MAX_DIMENSIONS = 4; // GGML_MAX_DIMS
/** Projectors have some dozens. */
const MAX_PROJECTIONS = 1024;
const DEFAULT_ALIGNMENT = 32;

export async function readGgufHeader(
  cursor: ByteCursor,
  visit: TensorVisitor = () => {},
): Promise<GgufHeader> {
  if ((await cursor.bytes(4)).toString("latin1") !== GGUF_MAGIC) {
    throw new GgufHeaderError(`it does not start with "${GGUF_MAGIC}"`);
  }
  const version = await cursor.uint32();
  if (version === 0x02000000 || version === 0x03000000) {
    throw new GgufHeaderError("it is a big-endian GGUF, which this machine cannot use");
  }
  if (version !== 2 && version !== 3) {
    throw new GgufHeaderError(`its GGUF version is ${version}; supported are 2 and 3`);
  }
  const tensorCount = await count(cursor, "tensors", MAX_TENSORS);
  const keyValueCount = await count(cursor, "key-value pairs", MAX_KEY_VALUES);
  if (keyValueCount === 0) throw new GgufHeaderError("it has no metadata at all");

  const values = await readKeyValues(cursor, keyValueCount);
  const projections = new Map<string, number>();
  const { parameters, least, most } = await readTensorInfos(cursor, tensorCount, (tensor) => {
    const isProjection = tensor.name.startsWith("mm.") && projections.size < MAX_PROJECTIONS;
    if (isProjection) projections.set(tensor.name, tensor.length);
    visit(tensor);
  });
  const alignment = alignmentOf(values.get("general.alignment"));
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  const splitCount = values.get("split.count");
  const splitNumber = values.get("split.no");
  return {
    version,
    tensorCount,
    requiredBytes: tensorCount === 0 ? cursor.offset : dataStart + least,
    meaningfulBytes: dataStart + most,
    parameters,
    projections,
    values,
    ...(typeof splitCount === "number" ? { splitCount } : {}),
    ...(typeof splitNumber === "number" ? { splitNumber } : {}),
  };
}

async function readKeyValues(cursor: ByteCursor, keyValueCount: number): Promise<GgufValues> {
  const values = new Map<string, GgufValue>();
  for (let index = 0; index < keyValueCount; index += 1) {
    const key = await readString(cursor, 1024);
    const value = await readValue(cursor, await cursor.uint32());
    if (values.size < MAX_VALUES) values.set(key, value);
  }
  return values;
}

/** The length of the tensor data is where the last byte of any tensor lies. */
async function readTensorInfos(
  cursor: ByteCursor,
  tensorCount: number,
  visit: TensorVisitor,
): Promise<{ parameters: number; least: number; most: number }> {
  let least = 0n;
  let most = 0n;
  let parameters = 0n;
  for (let index = 0; index < tensorCount; index += 1) {
    const name = await readString(cursor, 4096);
    const dimensions = await cursor.uint32();
    if (dimensions > MAX_DIMENSIONS) {
      throw new GgufHeaderError(`tensor "${name}" claims ${dimensions} dimensions`);
    }
    let elements = 1n;
    let length = 0n;
    for (let axis = 0; axis < dimensions; axis += 1) {
      length = await cursor.uint64();
      elements *= length;
    }
    const type = await cursor.uint32();
    const start = await cursor.uint64();
    const bytes = tensorBytes(type, elements);
    if (start + bytes.most > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new GgufHeaderError(`tensor "${name}" claims an impossible size`);
    }
    if (start + bytes.least > least) least = start + bytes.least;
    if (start + bytes.most > most) most = start + bytes.most;
    parameters += elements;
    visit({ name, bytes: Number(bytes.most), length: Number(length) });
  }
  if (parameters > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new GgufHeaderError("its tensors claim an impossible number of elements");
  }
  return { parameters: Number(parameters), least: Number(least), most: Number(most) };
}

async function readString(cursor: ByteCursor, maxLength: number): Promise<string> {
  const length = await cursor.uint64();
  if (length > BigInt(maxLength)) {
    throw new GgufHeaderError(`its metadata holds a name of ${length} bytes`);
  }
  return (await cursor.bytes(Number(length))).toString("utf8");
}

async function count(cursor: ByteCursor, what: string, limit: number): Promise<number> {
  const value = await cursor.uint64();
  if (value > BigInt(limit)) throw new GgufHeaderError(`it claims to have ${value} ${what}`);
  return Number(value);
}

function alignmentOf(value: GgufValue = DEFAULT_ALIGNMENT): number {
  const isPower = typeof value === "number" && value > 0 && (value & (value - 1)) === 0;
  if (isPower && value <= 1 << 24) return value;
  throw new GgufHeaderError(`its alignment is ${JSON.stringify(value)}; it must be a power of two`);
}
