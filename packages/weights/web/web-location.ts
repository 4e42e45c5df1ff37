/**
 * Turns a source on the web into a URL and the credentials that go with it.
 */
import type { Candidate } from "../source/candidate.ts";
import { huggingFaceUrl, isHubOffline } from "./hugging-face.ts";
import type { Leg } from "../http/redirects.ts";
import { s3Url, signedHeaders } from "./s3.ts";
import type { AskingSession } from "./web-session.ts";

export type WebSource = Extract<Candidate, { type: "huggingFace" | "http" | "s3" }>;

export function isWebSource(source: Candidate): source is WebSource {
  return source.type === "huggingFace" || source.type === "http" || source.type === "s3";
}

/** Whether the source may not be asked at all; what is in the cache still works. */
export function isOffline(source: WebSource, environment: NodeJS.ProcessEnv): boolean {
  return source.type === "huggingFace" && isHubOffline(environment);
}

/** For one request: the next needs a leg of its own, as credentials do not last. */
export async function locate(
  source: WebSource,
  session: Pick<AskingSession, "environment" | "credentialsFor" | "sourceHosts">,
): Promise<Leg> {
  const url = urlOf(source, session.environment);
  const { headers = {}, aws } = await session.credentialsFor(source);
  const signed =
    source.type === "s3" && aws !== undefined ? await signedHeaders(url, source.region, aws) : {};
  const redirectHosts = redirectHostsOf(source, session.sourceHosts);
  const credentials = { ...headers, ...signed };
  return { url, credentials, ...(redirectHosts !== undefined && { redirectHosts }) };
}

/** The Hub is no host that a platform names: its own redirects lead where it keeps files. */
function redirectHostsOf(
  source: WebSource,
  hosts: readonly string[] | undefined,
): readonly string[] | undefined {
  if (hosts === undefined || source.type === "huggingFace") return undefined;
  if (source.type === "http" || source.addressing === "path") return hosts;
  // The bucket is in front of the host.
  const inFront = hosts.filter((host) => !host.startsWith("*."));
  return [...hosts, ...inFront.map((host) => `${source.bucket}.${host}`)];
}

export function urlOf(source: WebSource, environment: NodeJS.ProcessEnv): string {
  switch (source.type) {
    case "huggingFace":
      return huggingFaceUrl(source, environment);
    case "s3":
      return s3Url(source);
    case "http":
      return source.url;
  }
}
