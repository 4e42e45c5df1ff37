/**
 * Remembers which blob a source turned out to be, for sources that do not say it by a checksum, and
 * asks cheaply whether it still is.
 */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { z } from "zod";
import type { CacheLayout } from "./cache-layout.ts";
import { readRecord, writeRecord } from "./record-file.ts";
import { type RemoteFile, remoteFileOf } from "../web/remote-file.ts";
import type { FetchSession } from "../session.ts";
import { identityOf, isImmutable } from "../source-identity.ts";
import { discardBody, type WebResponse } from "../web/web-client.ts";
import type { Candidate } from "../candidate.ts";
import { isOffline, isWebSource, locate, urlOf } from "../web/web-location.ts";

const CHECK_TIMEOUT_MS = 10_000;

export const IndexRecord = z.strictObject({
  sha256: z.string(),
  sizeBytes: z.int().min(0),
  etag: z.string().exactOptional(),
  lastModified: z.string().exactOptional(),
});
export type IndexRecord = z.infer<typeof IndexRecord>;

export async function readIndex(
  cache: CacheLayout,
  source: SingleSource,
): Promise<IndexRecord | undefined> {
  return readRecord(cache.indexRecord(identityOf(source)), IndexRecord);
}

export async function writeIndex(
  cache: CacheLayout,
  source: SingleSource,
  record: IndexRecord,
): Promise<void> {
  await writeRecord(cache.indexRecord(identityOf(source)), record);
}

/**
 * Whether the source would deliver something else now. A source that cannot be asked counts as
 * unchanged: weights that are here keep working without a network.
 */
export async function hasChanged(
  source: Candidate,
  record: IndexRecord,
  session: FetchSession,
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
