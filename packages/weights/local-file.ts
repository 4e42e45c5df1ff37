/**
 * A file of this machine as a source: used where it lies, never copied.
 *
 * With a checksum it is hashed once and remembered by what it looked like; hashing tens of gigabytes at every start would
 * be the slowest part of it. What a cache remembers that others can write to is not believed.
 */
import { type BigIntStats, constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { z } from "zod";
import { Fingerprint } from "@localmodel/localmodel/contracts/pinned-file.ts";
import { sha256OfFile } from "./cache/file-hash.ts";
import { fingerprintOf, isSameFile } from "./cache/fingerprint.ts";
import { othersMayWrite } from "./cache/other-writers.ts";
import { requireGguf } from "./gguf/gguf-check.ts";
import { readRecord, writeRecord } from "./cache/record-file.ts";
import type { FetchSession } from "./session.ts";
import { fileNameOf } from "./gguf/split-names.ts";
import { requireChecksum } from "./source/order.ts";
import { WeightsError } from "./source/weights-error.ts";

const FileRecord = z.strictObject({ fingerprint: Fingerprint, sha256: z.string() });

export type LocalFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Only known if it was asked for. */
  readonly sha256?: string;
  /** From before it was read to be verified; there whenever `sha256` is. */
  readonly fingerprint?: Fingerprint;
};

export async function useLocalFile(
  path: string,
  sha256: string | undefined,
  session: FetchSession,
): Promise<LocalFile> {
  const stats = await statReadable(path);
  await requireGguf(path, fileNameOf({ type: "file", path }));
  const sizeBytes = Number(stats.size);
  if (sha256 === undefined) return { path, sizeBytes };

  const fingerprint = fingerprintOf(stats);
  const known = await remembered(path, fingerprint, session);
  const found = known ?? (await hash(path, sizeBytes, session));
  if (known === undefined) {
    // A cache that cannot be written costs another hash next time, nothing else.
    const record = { fingerprint, sha256: found };
    await writeRecord(session.cache.fileRecord(path), record).catch(() => {});
  }
  requireChecksum(found, sha256);
  return { path, sizeBytes, sha256, fingerprint };
}

async function remembered(
  path: string,
  fingerprint: Fingerprint,
  { cache, cacheIsShared }: FetchSession,
): Promise<string | undefined> {
  const record = await readRecord(cache.fileRecord(path), FileRecord);
  if (record === undefined || !isSameFile(record.fingerprint, fingerprint)) return undefined;
  if (cacheIsShared || (await othersMayWrite(cache.root, [cache.fileRecord(path)])))
    return undefined;
  return record.sha256;
}

async function hash(path: string, totalBytes: number, session: FetchSession): Promise<string> {
  const { signal, onProgress } = session;
  return sha256OfFile(path, {
    signal,
    onBytes: (receivedBytes) => onProgress({ phase: "verifying", receivedBytes, totalBytes }),
  });
}

/** Throws a WeightsError unless there is a file that this user may read. */
export async function statReadable(path: string): Promise<BigIntStats> {
  const stats = await statAny(path);
  if (stats.isFile()) return stats;
  throw new WeightsError("NotAGguf", `${path} is not a file; the path must name a GGUF file`);
}

async function statAny(path: string): Promise<BigIntStats> {
  try {
    const stats = await stat(path, { bigint: true });
    await access(path, constants.R_OK);
    return stats;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new WeightsError("NotFound", `there is no file ${path}`, { cause: error });
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new WeightsError("Unauthorized", `this user may not read ${path} (${code})`, {
        cause: error,
      });
    }
    throw new WeightsError("SourceUnavailable", `${path} cannot be read: ${message}`, {
      cause: error,
    });
  }
}
