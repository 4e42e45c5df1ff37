/**
 * Extracts one member of a zip archive (a wheel is one) to a file, hashing it on the way.
 *
 * yauzl holds the archive to the positions and sizes that its directory states, so that a member which would grow
 * a thousandfold ends where it should; the checksum is compared here.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";

/** Far more than any wheel has; a directory that lists more is not worth reading. */
const MAX_MEMBERS = 1_000_000;

type Extraction = {
  readonly archivePath: string;
  readonly memberName: string;
  readonly targetPath: string;
  readonly signal: AbortSignal;
  /** Called before the first byte is written. */
  readonly onMember: (member: { readonly sizeBytes: number }) => Promise<void>;
  readonly onBytes: (bytes: number) => void;
};

/** The archive is damaged, or of a kind that is not read. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

/** The archive has no such member. */
export class MemberNotFoundError extends ZipError {
  readonly available: readonly string[];

  constructor(available: readonly string[]) {
    super("it has no such member");
    this.available = available;
  }
}

/** Returns the SHA-256 of what was extracted. Throws a ZipError; errors of the file system as they are. */
export async function extractMember(extraction: Extraction): Promise<string> {
  const { archivePath, memberName, targetPath, signal } = extraction;
  const archive = await reading(openPromise(archivePath, { autoClose: false }));
  try {
    const member = await reading(findMember(archive, memberName));
    await extraction.onMember({ sizeBytes: member.uncompressedSize });
    const body = await reading(archive.openReadStreamPromise(member));
    const hash = createHash("sha256");
    let checksum = 0;
    let total = 0;
    const count = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
      for await (const chunk of chunks) {
        total += chunk.length;
        hash.update(chunk);
        checksum = crc32(chunk, checksum);
        extraction.onBytes(total);
        yield chunk;
      }
    };
    await pipeline(bytesOf(body), count, createWriteStream(targetPath), { signal });
    if (checksum !== member.crc32) {
      throw new ZipError("a member does not have the checksum the directory says");
    }
    return hash.digest("hex");
  } finally {
    archive.close();
  }
}

async function findMember(archive: ZipFile, memberName: string): Promise<Entry> {
  const { entryCount } = archive;
  if (entryCount > MAX_MEMBERS) throw new ZipError(`its directory lists ${entryCount} members`);
  const names: string[] = [];
  for await (const entry of archive.eachEntry()) {
    if (entry.fileName === memberName) return entry;
    names.push(entry.fileName);
  }
  throw new MemberNotFoundError(names);
}

async function* bytesOf(body: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw zipErrorOf(error);
  }
}

async function reading<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    throw zipErrorOf(error);
  }
}

/** Only what a system call answered is not the archive's fault. */
function zipErrorOf(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ZipError || "syscall" in error) return error;
  return new ZipError(error.message, { cause: error });
}
