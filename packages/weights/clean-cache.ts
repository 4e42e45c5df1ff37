/**
 * Takes files out of a cache that nobody uses any more: by age, and by how much there may be of them.
 *
 * Never throws for what it cannot take away: a cache that is not clean still works.
 */
import { DAY_MS } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { CacheLayout } from "./cache/cache-layout.ts";
import { readIndex } from "./cache/source-index.ts";
import {
  type CleaningRules,
  removeBlob,
  removePutAside,
  storedBlobs,
  unusedBlobs,
} from "./cache/unused-blobs.ts";
import { wantedParts } from "./fetch-parts.ts";
import { formatBytes } from "./progress/units.ts";

type Cleaning = CleaningRules & {
  /** Files that somebody uses, by their SHA-256. */
  readonly keepBlobs: readonly string[];
  /** Whose files may be wanted again. */
  readonly keepSources: readonly WeightsSource[];
};

type Surroundings = {
  readonly cacheDir: string;
  readonly log: (message: string) => void;
  readonly nowMs?: number;
};

export async function cleanCache(
  { keepBlobs, keepSources, ...rules }: Cleaning,
  { cacheDir, log, nowMs = Date.now() }: Surroundings,
): Promise<void> {
  const cache = new CacheLayout(cacheDir);
  try {
    const wanted = await Promise.all(keepSources.map((source) => blobsOf(source, cache)));
    const kept = new Set([...keepBlobs, ...wanted.flat()]);
    await removePutAside(cache, nowMs);
    for (const blob of unusedBlobs(await storedBlobs(cache), rules, { kept, nowMs })) {
      if (!(await removeBlob(cache, blob))) continue;
      const days = Math.floor((nowMs - blob.lastUsedMs) / DAY_MS);
      const size = formatBytes(blob.sizeBytes);
      log(`removed ${cache.blob(blob.sha256)}: ${size} that nobody has used for ${days} days`);
    }
  } catch (error) {
    log(`the cache is left as it is: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whichever of its places they came from. */
async function blobsOf(source: WeightsSource, cache: CacheLayout): Promise<readonly string[]> {
  const parts = wantedParts(source);
  const indexed = parts.flatMap(({ candidates }) =>
    candidates.map(async (candidate) => (await readIndex(cache, candidate))?.sha256),
  );
  const found = [...parts.map(({ sha256 }) => sha256), ...(await Promise.all(indexed))];
  return found.filter((sha256) => sha256 !== undefined);
}
