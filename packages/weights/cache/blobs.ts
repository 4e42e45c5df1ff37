/**
 * The content-addressed half of the cache: verified files, named by their SHA-256.
 *
 * A blob is believed without reading it as long as its size and modification time are those of the
 * moment it was verified. If not, it is read once more, and either believed again or deleted: a file
 * that is not what its name says is never handed out.
 */
import type { BigIntStats } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { CacheLayout } from "./cache-layout.ts";
import type { CacheSession } from "./cache-session.ts";
import { onDisk } from "./disk-space.ts";
import { sha256OfFile } from "./file-hash.ts";
import { readRecord, writeRecord } from "./record-file.ts";

export type Blob = { readonly sha256: string; readonly path: string; readonly sizeBytes: number };

const BlobRecord = z.strictObject({
  sizeBytes: z.int().min(0),
  /** Nanoseconds since 1970 as a decimal; a double cannot hold them. */
  modifiedNs: z.string(),
});

/** The blob if it is there and untouched. Reads no data and writes nothing. */
export async function findBlob(cache: CacheLayout, sha256: string): Promise<Blob | undefined> {
  const path = cache.blob(sha256);
  const stats = await statOrNothing(path);
  if (stats === undefined) return undefined;
  const record = await readRecord(cache.blobRecord(sha256), BlobRecord);
  const { sizeBytes, modifiedNs } = recordOf(stats);
  if (record?.sizeBytes !== sizeBytes || record.modifiedNs !== modifiedNs) return undefined;
  return { sha256, path, sizeBytes };
}

/**
 * As `findBlob`, but settles doubts by reading the file. The caller holds a lock, or cannot write to the cache: then
 * the next one has to read the file again.
 */
export async function verifyBlob(sha256: string, session: CacheSession): Promise<Blob | undefined> {
  const { cache, signal, onProgress, log } = session;
  const known = await findBlob(cache, sha256);
  const path = cache.blob(sha256);
  const stats = await statOrNothing(path);
  if (known !== undefined || stats === undefined) return known;

  const totalBytes = Number(stats.size);
  const found = await sha256OfFile(path, {
    signal,
    onBytes: (receivedBytes) => onProgress({ phase: "verifying", receivedBytes, totalBytes }),
  });
  if (found === sha256) {
    await writeRecord(cache.blobRecord(sha256), recordOf(stats)).catch(() => {});
    return { sha256, path, sizeBytes: totalBytes };
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
    const stats = await stat(path, { bigint: true });
    await writeRecord(cache.blobRecord(sha256), recordOf(stats));
    return { sha256, path, sizeBytes: Number(stats.size) };
  });
}

/** Size and modification time: what tells that a file has not been touched. */
export function recordOf(stats: BigIntStats): z.infer<typeof BlobRecord> {
  return { sizeBytes: Number(stats.size), modifiedNs: String(stats.mtimeNs) };
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

async function statOrNothing(path: string): Promise<BigIntStats | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats?.isFile() === true ? stats : undefined;
}
