/**
 * Fetches the weights of a model and returns where they are.
 *
 *   using bar = progressReporter(process.stderr);
 *   const weights = await fetchWeights(localModel.spec.source, { onProgress: bar.report });
 *   weights.path; // give this to llama.cpp; for a split GGUF it is the first part
 *
 * It may be called at every start: weights that are in the cache come back after a look at the file from outside, and
 * without a network. Interrupted at any byte, the next call continues or starts
 * clean. Any number of callers and processes may ask for the same weights at once; one of them fetches.
 *
 * Of a split GGUF the source names the first part; the others are found by name, and are checked by `partsSha256`, by
 * what the Hub says about them and by their own headers.
 */
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { CacheLayout, defaultCacheFolder } from "./cache/cache-layout.ts";
import { ownCredentials } from "./own-credentials.ts";
import type { CredentialsFor } from "./source/credentials.ts";
import { diskError } from "./cache/disk-space.ts";
import { fetchParts, wantedParts, type Weights } from "./fetch-parts.ts";
import { type OnProgress, throttled } from "./progress/progress.ts";
import type { Network } from "./http/reach.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./http/retry.ts";
import type { FetchSession } from "./session.ts";
import { formatDuration } from "./progress/units.ts";
import { WebClient } from "./http/web-client.ts";
import { WeightsError } from "./source/weights-error.ts";

export type FetchOptions = {
  /** Default: `$LOCALMODEL_CACHE`, else the XDG cache folder. */
  readonly cacheDir?: string;
  /** Whether others write to the cache, whoever its files belong to, as on a claim. Default: its files tell. */
  readonly cacheIsShared?: boolean;
  /** Default: `process.env`. Proxies, Hugging Face settings and the cache folder are read from it. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Aborting ends the fetch with the signal's reason; what has arrived is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  /** Hosts that `http` and `s3` sources may be redirected to; `*.` stands for any below. Default: all. */
  readonly sourceHosts?: readonly string[];
  /** For tests. */
  readonly network?: Network;
  /** Default: the user's own, from the environment and the Hub's token file. */
  readonly credentialsFor?: CredentialsFor;
  /** Longest wait for a next byte. */
  readonly stallTimeoutMs?: number;
  readonly overallTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Receives what is worth knowing but no failure: retries, fail-overs, files thrown away. */
  readonly log?: (message: string) => void;
};

const MAX_TIMER_MS = 2 ** 31 - 1;

const DEFAULTS = {
  cacheIsShared: false,
  environment: process.env,
  stallTimeoutMs: 60_000,
  overallTimeoutMs: 24 * 60 * 60 * 1000,
  retry: DEFAULT_RETRY_POLICY,
  onProgress: () => {},
  log: () => {},
};

export async function fetchWeights(
  source: WeightsSource,
  options: FetchOptions = {},
): Promise<Weights> {
  const settings = { ...DEFAULTS, ...options };
  const { environment, signal } = settings;
  const overallMs = Math.min(settings.overallTimeoutMs, MAX_TIMER_MS);
  const deadline = AbortSignal.timeout(overallMs);
  await using web = new WebClient(environment, settings.network);
  const session: FetchSession = {
    ...settings,
    credentialsFor: settings.credentialsFor ?? ownCredentials(environment),
    cache: new CacheLayout(settings.cacheDir ?? defaultCacheFolder(environment)),
    web,
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    stallTimeoutMs: Math.min(settings.stallTimeoutMs, MAX_TIMER_MS),
    silentOrigins: new Set(),
    onProgress: throttled(settings.onProgress),
  };
  try {
    session.signal.throwIfAborted();
    return await fetchParts(wantedParts(source), session);
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.aborted) throw diskError(error, session.cache.root);
    throw new WeightsError(
      "DeadlineExceeded",
      `the weights were not there after ${formatDuration(overallMs)}; what has arrived is kept, and the next attempt continues it`,
      { cause: error },
    );
  }
}
