/**
 * Extracts one member of a zip archive to a file, hashing it on the way.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { dataOffset, readZipDirectory, ZipError, type ZipMember } from "./zip-directory.ts";

const STORED = 0;
const DEFLATED = 8;

export type Extraction = {
  readonly archivePath: string;
  readonly memberName: string;
  readonly targetPath: string;
  readonly signal: AbortSignal;
  /** Called before the first byte is written. */
  readonly onMember: (member: ZipMember) => Promise<void>;
  readonly onBytes: (bytes: number) => void;
};

/** The archive has no such member. */
export class MemberNotFoundError extends ZipError {
  readonly available: readonly string[];

  constructor(available: readonly string[]) {
    super("it has no such member");
    this.available = available;
  }
}

/** Returns the SHA-256 of what was extracted. */
export async function extractMember(extraction: Extraction): Promise<string> {
  const { archivePath, memberName, targetPath, signal } = extraction;
  const { member, start } = await locateMember(archivePath, memberName);
  await extraction.onMember(member);
  const hash = createHash("sha256");
  let checksum = 0;
  let total = 0;
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      total += chunk.length;
      // A deflate stream can grow a thousandfold; the directory says where it must end.
      if (total > member.sizeBytes)
        throw new ZipError("a member is longer than the directory says");
      hash.update(chunk);
      checksum = crc32(chunk, checksum);
      extraction.onBytes(total);
      yield chunk;
    }
  };
  await pipeline(
    bytesOf(archivePath, start, member.compressedBytes),
    member.method === DEFLATED ? createInflateRaw() : new PassThrough(),
    count,
    createWriteStream(targetPath),
    { signal },
  );
  if (total !== member.sizeBytes || checksum !== member.crc32) {
    throw new ZipError("a member does not have the size and checksum the directory says");
  }
  return hash.digest("hex");
}

async function locateMember(
  archivePath: string,
  memberName: string,
): Promise<{ member: ZipMember; start: number }> {
  await using file = await open(archivePath, "r");
  const members = await readZipDirectory(file);
  const member = members.find((it) => it.name === memberName);
  if (member === undefined) throw new MemberNotFoundError(members.map((it) => it.name));
  if (member.encrypted) throw new ZipError("the member is encrypted");
  if (member.method !== STORED && member.method !== DEFLATED) {
    throw new ZipError(`the member is compressed with the unknown method ${member.method}`);
  }
  return { member, start: await dataOffset(file, member) };
}

function bytesOf(path: string, start: number, length: number): AsyncIterable<Buffer> {
  // `end` is inclusive, so an empty range cannot be said.
  if (length === 0) return (async function* () {})();
  return createReadStream(path, { start, end: start + length - 1, highWaterMark: 256 * 1024 });
}
