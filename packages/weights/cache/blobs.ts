/**
 * The content-addressed half of the cache: verified files, named by their SHA-256.
 *
 * A blob is believed without reading it as long as it looks as it did when it was verified (fingerprint.ts), and nobody
 * else could have written to the cache (other-writers.ts). If not, it is read once more, and either believed again or
 * deleted: a file that is not what its name says is never handed out.
 */
import type { BigIntStats } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Fingerprint } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type { CacheLayout } from "./cache-layout.ts";
import type { CacheSession } from "./cache-session.ts";
import { onDisk } from "./disk-space.ts";
import { sha256OfFile } from "./file-hash.ts";
import { fingerprintOf, isSameFile } from "./fingerprint.ts";
import { othersMayWrite } from "./other-writers.ts";
import { readRecord, writeRecord } from "./record-file.ts";

export type Blob = {
  readonly sha256: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** From before it was read to be verified. */
  readonly fingerprint: Fingerprint;
};

type Cache = Pick<CacheSession, "cache" | "cacheIsShared">;

/** The blob if it is there, untouched and nobody else's. Reads no data and writes nothing. */
export async function findBlob(sha256: string, session: Cache): Promise<Blob | undefined> {
  const { cache } = session;
  const path = cache.blob(sha256);
  const stats = await statOrNothing(path);
  if (stats === undefined) return undefined;
  const record = await readRecord(cache.blobRecord(sha256), Fingerprint);
  const fingerprint = fingerprintOf(stats);
  if (record === undefined || !isSameFile(record, fingerprint)) return undefined;
  if (await isOthers(sha256, session)) return undefined;
  return { sha256, path, sizeBytes: fingerprint.sizeBytes, fingerprint };
}

async function isOthers(sha256: string, { cache, cacheIsShared }: Cache): Promise<boolean> {
  if (cacheIsShared) return true;
  return othersMayWrite(cache.root, [cache.blob(sha256), cache.blobRecord(sha256)]);
}

/**
 * As `findBlob`, but settles doubts by reading the file. The caller holds a lock, or cannot write to the cache: then
 * the next one has to read the file again.
 */
export async function verifyBlob(sha256: string, session: CacheSession): Promise<Blob | undefined> {
  const { cache, signal, onProgress, log } = session;
  const known = await findBlob(sha256, session);
  const path = cache.blob(sha256);
  const stats = await statOrNothing(path);
  if (known !== undefined || stats === undefined) return known;

  const totalBytes = Number(stats.size);
  const fingerprint = fingerprintOf(stats);
  const found = await sha256OfFile(path, {
    signal,
    onBytes: (receivedBytes) => onProgress({ phase: "verifying", receivedBytes, totalBytes }),
  });
  if (found === sha256) {
    await writeRecord(cache.blobRecord(sha256), fingerprint).catch(() => {});
    return { sha256, path, sizeBytes: totalBytes, fingerprint };
  }
  return onDisk(cache.root, async () => {
    log(`${path} has been changed or damaged (its sha256 is ${found}); it is fetched again`);
    await rm(cache.blobRecord(sha256), { force: true });
    await rm(path, { force: true });
    return undefined;
  });
}

/** Moves a verified file into the cache. Durable before it becomes visible under its name. */
export async function admitBlob(cache: CacheLayout, from: string, sha256: string): Promise<Blob> {
  const path = cache.blob(sha256);
  return onDisk(cache.root, async () => {
    await mkdir(dirname(path), { recursive: true });
    await sync(from);
    await rename(from, path);
    await sync(dirname(path));
    const fingerprint = fingerprintOf(await stat(path, { bigint: true }));
    await writeRecord(cache.blobRecord(sha256), fingerprint);
    return { sha256, path, sizeBytes: fingerprint.sizeBytes, fingerprint };
  });
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

async function statOrNothing(path: string): Promise<BigIntStats | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats?.isFile() === true ? stats : undefined;
}
