/**
 * What is shown to a source so that it answers: request headers, or keys to sign requests with.
 *
 * Whoever fetches says where credentials come from. They are asked for again before every request, because a
 * download can outlive a token and a signature outlives nothing.
 */
import type { Candidate } from "./candidate.ts";

export type Credentials = {
  /** For the host the source names; never sent to another one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For `s3` sources. */
  readonly aws?: AwsKeys;
};

export type AwsKeys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string;
};

/** Throws a WeightsError where credentials should be and are not. */
export type CredentialsFor = (candidate: Candidate) => Promise<Credentials>;

export function bearer(token: string): Credentials {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** From the three variables of AWS's own tools; a bucket that everyone may read needs none. */
export function awsCredentials(values: NodeJS.ProcessEnv): Credentials {
  const accessKeyId = values["AWS_ACCESS_KEY_ID"]?.trim();
  const secretAccessKey = values["AWS_SECRET_ACCESS_KEY"]?.trim();
  const sessionToken = values["AWS_SESSION_TOKEN"]?.trim();
  if (!accessKeyId || !secretAccessKey) return {};
  return { aws: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } };
}
