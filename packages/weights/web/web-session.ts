/**
 * What requests to sources on the web share: whom to ask, with which credentials, how long to wait.
 */
import type { CacheSession } from "../cache/cache-session.ts";
import type { CredentialsFor } from "../source/credentials.ts";
import type { RetryPolicy } from "../http/retry.ts";
import type { WebClient } from "../http/web-client.ts";

/** Enough to ask a source once, without a cache. */
export type AskingSession = {
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly web: WebClient;
  readonly credentialsFor: CredentialsFor;
  /** Hosts that `http` and `s3` sources may be redirected to, where the platform says so. */
  readonly sourceHosts?: readonly string[];
};

/** Enough to download a file into the cache. */
export type DownloadSession = AskingSession &
  CacheSession & {
    readonly stallTimeoutMs: number;
    readonly retry: RetryPolicy;
    /** Origins that did not answer when asked whether a file has changed: asked once, not per part. */
    readonly silentOrigins: Set<string>;
  };
