/**
 * What every step of one fetch shares: where to put things, whom to tell, how long to wait.
 */
import type { CacheLayout, Environment } from "./cache/cache-layout.ts";
import type { CredentialsFor } from "./credentials.ts";
import type { OnProgress } from "./progress/progress.ts";
import type { RetryPolicy } from "./web/retry.ts";
import type { WebClient } from "./web/web-client.ts";

export type FetchSession = {
  readonly cache: CacheLayout;
  readonly environment: Environment;
  /** Aborts on cancellation and at the overall deadline. */
  readonly signal: AbortSignal;
  readonly web: WebClient;
  readonly credentialsFor: CredentialsFor;
  readonly stallTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Origins that did not answer when asked whether a file has changed: asked once, not per part. */
  readonly silentOrigins: Set<string>;
  readonly onProgress: OnProgress;
  /** Things worth knowing that are not failures: retries, fail-overs, files thrown away. */
  readonly log: (message: string) => void;
};
