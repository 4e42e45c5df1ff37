/**
 * Takes away what downloads left that nobody will continue: their source is not asked for any more, or its process was
 * killed while it unpacked.
 *
 * Nothing says of a partial file whether anybody still wants it. After a week without a byte nobody does, and whoever
 * does after all starts again.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CacheSession } from "./cache-session.ts";
import { tryLock } from "./file-lock.ts";

const UNTOUCHED_MS = 7 * 24 * 60 * 60 * 1000;

/** Of all keys whose lock is free. Never throws: what cannot be taken away stays. */
export async function removeLeftovers(
  { cache, log }: Pick<CacheSession, "cache" | "log">,
  nowMs: number = Date.now(),
): Promise<void> {
  const folder = cache.partialFolder;
  const names = await readdir(folder).catch(() => []);
  for (const [key, ours] of Map.groupBy(names, (name) => name.split(".")[0] ?? "")) {
    const paths = ours.map((name) => join(folder, name));
    const times = await Promise.all(paths.map(lastTouchedMs));
    if (Math.max(...times) > nowMs - UNTOUCHED_MS) continue;
    using lock = freeLock(cache.lock(key));
    if (lock === undefined) continue;
    for (const path of paths) await rm(path, { recursive: true, force: true }).catch(() => {});
    log(`removed what a download of more than a week ago had left: ${join(folder, key)}`);
  }
}

async function lastTouchedMs(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.mtimeMs ?? 0;
}

function freeLock(path: string): Disposable | undefined {
  try {
    return tryLock(path);
  } catch {
    return undefined;
  }
}
