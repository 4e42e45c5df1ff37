/**
 * Asks a source on the web whether a file of the cache is still what it has, without fetching it.
 */
import type { IndexRecord } from "../cache/source-index.ts";
import type { Candidate } from "../source/candidate.ts";
import { isImmutable } from "../source/source-identity.ts";
import { type RemoteFile, remoteFileOf } from "../http/remote-file.ts";
import { discardBody, type WebResponse } from "../http/web-client.ts";
import { isOffline, isWebSource, locate, urlOf } from "./web-location.ts";
import type { DownloadSession } from "./web-session.ts";

const CHECK_TIMEOUT_MS = 10_000;

/**
 * Whether the source would deliver something else now. A source that cannot be asked counts as
 * unchanged: weights that are here keep working without a network.
 */
export async function hasChanged(
  source: Candidate,
  record: IndexRecord,
  session: DownloadSession,
): Promise<boolean> {
  if (isImmutable(source) || !isWebSource(source)) return false;
  if (isOffline(source, session.environment)) return false;
  const { origin } = new URL(urlOf(source, session.environment));
  if (session.silentOrigins.has(origin)) return false;
  try {
    const response = await session.web.get({
      ...(await locate(source, session)),
      headers: conditions(record),
      signal: AbortSignal.any([session.signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]),
    });
    discardBody(response.body);
    return differs(record, response);
  } catch {
    session.signal.throwIfAborted();
    session.silentOrigins.add(origin);
    return false;
  }
}

function conditions({ etag, lastModified }: IndexRecord): Record<string, string> {
  if (etag !== undefined) return { "if-none-match": etag };
  return lastModified === undefined ? {} : { "if-modified-since": lastModified };
}

/** Compares by the most telling thing both have: checksum, entity tag, date, size. */
export function differs(
  record: IndexRecord,
  answer: Pick<WebResponse, "status" | "headers" | "redirects">,
): boolean {
  const now: RemoteFile = remoteFileOf(answer);
  if (now.sha256 !== undefined) return now.sha256 !== record.sha256;
  if (answer.status !== 200) return false;
  if (now.etag !== undefined && record.etag !== undefined) {
    return weak(now.etag) !== weak(record.etag);
  }
  if (now.lastModified !== undefined && record.lastModified !== undefined) {
    return now.lastModified !== record.lastModified;
  }
  return now.sizeBytes !== undefined && now.sizeBytes !== record.sizeBytes;
}

function weak(etag: string): string {
  return etag.replace(/^W\//, "");
}
