/**
 * Which files of a cache nobody uses any more, and taking them away.
 *
 * Who may use a cache is not seen from inside of it: the caller says what has to stay. A file that was asked for in the last
 * two days stays as well, whatever he says, because since he was told somebody may have come to want it.
 */
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DAY_MS } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { CacheLayout } from "./cache-layout.ts";

const FRESH_MS = 2 * DAY_MS;
const REMOVING = ".removing";
const PUT_ASIDE_MS = 60 * 60 * 1000;

type StoredBlob = {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** When it was last asked for, or came. */
  readonly lastUsedMs: number;
};

/** Neither: all stays. */
export type CleaningRules = {
  readonly maxAgeDays?: number;
  /** Of unused files together; those that were used last stay. */
  readonly maxBytes?: number;
};

type Situation = { readonly kept: ReadonlySet<string>; readonly nowMs: number };

export function unusedBlobs(
  blobs: readonly StoredBlob[],
  { maxAgeDays = Infinity, maxBytes = Infinity }: CleaningRules,
  { kept, nowMs }: Situation,
): readonly StoredBlob[] {
  let bytes = 0;
  return blobs
    .filter(({ sha256 }) => !kept.has(sha256))
    .toSorted((a, b) => b.lastUsedMs - a.lastUsedMs)
    .filter(({ sizeBytes, lastUsedMs }) => {
      bytes += sizeBytes;
      const ageMs = nowMs - lastUsedMs;
      return ageMs > FRESH_MS && (ageMs > maxAgeDays * DAY_MS || bytes > maxBytes);
    });
}

/** Before it is looked at, so that nobody takes it away meanwhile. Does nothing in a cache that cannot be written. */
export async function markUsed(cache: CacheLayout, sha256: string): Promise<void> {
  const now = new Date();
  await utimes(cache.blobRecord(sha256), now, now).catch(() => {});
}

/** Those that are whole and verified; of others nobody knows how long they have been there. */
export async function storedBlobs(cache: CacheLayout): Promise<readonly StoredBlob[]> {
  const names = await readdir(dirname(cache.blob(""))).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const sha256 = /^([0-9a-f]{64})\.gguf$/.exec(name)?.[1];
      return sha256 === undefined ? undefined : storedBlob(cache, sha256);
    }),
  );
  return found.filter((blob) => blob !== undefined);
}

async function storedBlob(cache: CacheLayout, sha256: string): Promise<StoredBlob | undefined> {
  const file = await stat(cache.blob(sha256)).catch(() => undefined);
  const lastUsedMs = await lastUsed(cache, sha256);
  if (file === undefined || lastUsedMs === undefined) return undefined;
  return { sha256, sizeBytes: file.size, lastUsedMs };
}

async function lastUsed(cache: CacheLayout, sha256: string): Promise<number | undefined> {
  return (await stat(cache.blobRecord(sha256)).catch(() => undefined))?.mtimeMs;
}

/** False where somebody has come to want it: it then is where it was. */
export async function removeBlob(
  cache: CacheLayout,
  { sha256, lastUsedMs }: StoredBlob,
): Promise<boolean> {
  const path = cache.blob(sha256);
  // Who asks from here on does not find it; who has asked before has said so.
  await rename(path, `${path}${REMOVING}`);
  if ((await lastUsed(cache, sha256)) !== lastUsedMs) {
    await rename(`${path}${REMOVING}`, path);
    return false;
  }
  await rm(cache.blobRecord(sha256), { force: true });
  await rm(`${path}${REMOVING}`, { force: true });
  return true;
}

/** What a cleaning that was cut off had put aside. One that is at it may put its file back. */
export async function removePutAside(cache: CacheLayout, nowMs: number): Promise<void> {
  const folder = dirname(cache.blob(""));
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith(REMOVING))) {
    const path = join(folder, name);
    const { ctimeMs = nowMs } = (await stat(path).catch(() => undefined)) ?? {};
    if (ctimeMs < nowMs - PUT_ASIDE_MS) await rm(path, { force: true });
  }
}
