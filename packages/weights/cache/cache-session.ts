/**
 * What every step that reads or writes files in the cache shares.
 */
import type { OnProgress } from "../progress/progress.ts";
import type { CacheLayout } from "./cache-layout.ts";

export type CacheSession = {
  readonly cache: CacheLayout;
  /** Whether others write to it, whoever its files belong to: nothing is believed without reading it. */
  readonly cacheIsShared: boolean;
  /** Aborts on cancellation and at the overall deadline. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Things worth knowing that are not failures: retries, fail-overs, files thrown away. */
  readonly log: (message: string) => void;
};
