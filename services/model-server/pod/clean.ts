/**
 * Cleans the cache, before something new comes into it and once a day, as the operator says.
 *
 * What it says holds for a day: a pod that has waited longer for a node knows nothing of who came since.
 */
import {
  CacheCleaning,
  CLEANING_PERIOD_MS,
  CLEANING_VARIABLE,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { FetchConfig } from "@localmodel/localmodel/contracts/fetch-config.ts";
import { cleanCache } from "@localmodel/weights/clean-cache.ts";
import type { FetchHooks } from "./fetch-files.ts";

export async function cleanAsTold(
  { cacheFolder }: FetchConfig,
  { log, environment }: Pick<FetchHooks, "log" | "environment">,
): Promise<void> {
  const told = environment[CLEANING_VARIABLE];
  if (told === undefined) return;
  const read = CacheCleaning.safeParse(parsed(told));
  if (!read.success) return log.warn("the cache is not cleaned: it is not clear what has to stay");
  const { decidedAtMs, ...cleaning } = read.data;
  if (Date.now() - decidedAtMs > CLEANING_PERIOD_MS)
    return log.info("the cache is not cleaned: told too long ago");
  await cleanCache(cleaning, { cacheDir: cacheFolder, log: (message) => log.info(message) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
