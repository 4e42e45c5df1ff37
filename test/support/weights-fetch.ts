/** Calls fetchWeights as tests want it: a cache of their own, no real accounts or proxies, no patience. */
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";
import { type FetchOptions, fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import type { Weights } from "@localmodel/weights/fetch-parts.ts";

export const IMPATIENT = {
  retries: 3,
  retriesWithAlternative: 1,
  firstDelayMs: 1,
  maxDelayMs: 5,
} as const;

export function fetchInto(
  folder: TemporaryFolder,
  source: WeightsSource,
  options: FetchOptions = {},
): Promise<Weights> {
  return fetchWeights(source, {
    cacheDir: folder.file("cache"),
    retry: IMPATIENT,
    overallTimeoutMs: 60_000,
    ...options,
    environment: {
      PATH: process.env["PATH"],
      HF_HOME: folder.file("no-hub"),
      ...options.environment,
    },
  });
}
