/**
 * Finds one member of a zip archive (a wheel is one) without reading the rest of it.
 *
 * A zip is read from its end: the end record says where the directory is, the directory says where each
 * member is. Sizes and offsets that do not fit 32 bits are in "zip64" extras.
 */
import type { FileHandle } from "node:fs/promises";

export type ZipMember = {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Of the local header; the data follows it. */
  readonly headerOffset: number;
};

export class ZipError extends Error {
  override readonly name = "ZipError";
}

const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_END_BYTES = 56;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ENTRY_BYTES = 46;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_BYTES = 30;
const LOCAL_SIGNATURE = 0x04034b50;
const ZIP64_EXTRA = 1;
const MAX_DIRECTORY_BYTES = 256 * 1024 * 1024;
const IN_ZIP64 = 0xffffffff;

export async function readZipDirectory(file: FileHandle): Promise<readonly ZipMember[]> {
  const { size } = await file.stat();
  const { offset, length } = await directoryLocation(file, size);
  if (length > MAX_DIRECTORY_BYTES) throw new ZipError(`its directory has ${length} bytes`);
  const directory = await readExactly(file, offset, length);
  const members: ZipMember[] = [];
  for (let at = 0; at + ENTRY_BYTES <= directory.length;) {
    if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) break;
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const next = extraEnd + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw new ZipError("its directory is cut off");
    members.push(memberOf(directory.subarray(at, nameEnd), directory.subarray(nameEnd, extraEnd)));
    at = next;
  }
  return members;
}

/** Where the bytes of a member start; its local header may have other extras than the directory. */
export async function dataOffset(file: FileHandle, member: ZipMember): Promise<number> {
  const local = await readExactly(file, member.headerOffset, LOCAL_BYTES);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw new ZipError("a member is not where it should be");
  return member.headerOffset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
}

function memberOf(entry: Buffer, extras: Buffer): ZipMember {
  const sizes = {
    sizeBytes: entry.readUInt32LE(24),
    compressedBytes: entry.readUInt32LE(20),
    headerOffset: entry.readUInt32LE(42),
  };
  const wide = extraField(extras, ZIP64_EXTRA);
  let at = 0;
  // The zip64 extra holds, in this order, only those that did not fit.
  for (const field of ["sizeBytes", "compressedBytes", "headerOffset"] as const) {
    if (sizes[field] !== IN_ZIP64) continue;
    if (wide === undefined || at + 8 > wide.length) throw new ZipError("a zip64 size is missing");
    sizes[field] = Number(wide.readBigUInt64LE(at));
    at += 8;
  }
  return {
    name: entry.toString("utf8", ENTRY_BYTES),
    method: entry.readUInt16LE(10),
    encrypted: (entry.readUInt16LE(8) & 1) === 1,
    crc32: entry.readUInt32LE(16),
    ...sizes,
  };
}

function extraField(extras: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extras.length;) {
    const end = at + 4 + extras.readUInt16LE(at + 2);
    if (extras.readUInt16LE(at) === id) return extras.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}

async function directoryLocation(
  file: FileHandle,
  size: number,
): Promise<{ offset: number; length: number }> {
  const tailBytes = Math.min(size, END_BYTES + MAX_COMMENT_BYTES);
  const tail = await readExactly(file, size - tailBytes, tailBytes);
  let at = tail.length - END_BYTES;
  while (at >= 0 && tail.readUInt32LE(at) !== END_SIGNATURE) at -= 1;
  if (at < 0) throw new ZipError("it is not a zip archive");
  const narrow = { length: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) };
  if (narrow.length !== IN_ZIP64 && narrow.offset !== IN_ZIP64) return narrow;

  const locatorOffset = size - tailBytes + at - ZIP64_LOCATOR_BYTES;
  const locator = await readExactly(file, locatorOffset, ZIP64_LOCATOR_BYTES);
  if (locator.readUInt32LE(0) !== ZIP64_LOCATOR_SIGNATURE) {
    throw new ZipError("its zip64 locator is missing");
  }
  const end = await readExactly(file, Number(locator.readBigUInt64LE(8)), ZIP64_END_BYTES);
  if (end.readUInt32LE(0) !== ZIP64_END_SIGNATURE) throw new ZipError("its zip64 end is missing");
  return { length: Number(end.readBigUInt64LE(40)), offset: Number(end.readBigUInt64LE(48)) };
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { size } = await file.stat();
  if (offset < 0 || offset + length > size) throw new ZipError("it is cut off");
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw new ZipError("it is cut off");
    done += bytesRead;
  }
  return buffer;
}
