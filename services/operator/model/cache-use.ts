/** What of a cache has to stay. */
import type { SourceSpec } from "@localmodel/localmodel/resource/source-spec.ts";

export type CacheUse = {
  /** Files that pods use, by their SHA-256. */
  readonly keepBlobs: readonly string[];
  readonly keepSources: readonly SourceSpec[];
};
