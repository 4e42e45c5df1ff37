/**
 * Turns a source on the web into a URL and the credentials that go with it.
 */
import type { Candidate } from "../source/candidate.ts";
import { huggingFaceUrl, isHubOffline } from "./hugging-face.ts";
import type { Leg } from "./redirects.ts";
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
  { environment, credentialsFor }: Pick<AskingSession, "environment" | "credentialsFor">,
): Promise<Leg> {
  const url = urlOf(source, environment);
  const { headers = {}, aws } = await credentialsFor(source);
  if (source.type !== "s3" || aws === undefined) return { url, credentials: headers };
  return { url, credentials: { ...headers, ...(await signedHeaders(url, source.region, aws)) } };
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
