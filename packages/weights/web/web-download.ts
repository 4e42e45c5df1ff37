/**
 * Fetches one file from the web into the cache: transfer, verify, admit.
 *
 * A file that was put together from several answers and turns out wrong is fetched once more in one
 * piece before the source is blamed: the earlier piece may have been of another version, or of a
 * mirror that is wrong.
 */
import { stat } from "node:fs/promises";
import { keyOf } from "../cache/cache-layout.ts";
import { admitBlob, type Blob } from "../cache/blobs.ts";
import { requireGguf } from "../gguf/gguf-check.ts";
import { PartialFile } from "../cache/partial-file.ts";
import { publicUrl } from "../source/redact.ts";
import type { RemoteFile } from "../http/remote-file.ts";
import { type Order, requireChecksum } from "../source/order.ts";
import { identityOf } from "../source/source-identity.ts";
import { writeIndex } from "../cache/source-index.ts";
import { fileNameOf } from "../gguf/split-names.ts";
import type { Transfer } from "./receive.ts";
import { transfer } from "./transfer.ts";
import { isOffline, locate, urlOf, type WebSource } from "./web-location.ts";
import type { DownloadSession } from "./web-session.ts";
import { WeightsError } from "../source/weights-error.ts";

export async function downloadFromWeb(
  source: WebSource,
  order: Order,
  session: DownloadSession,
): Promise<Blob> {
  if (isOffline(source, session.environment)) {
    throw new WeightsError(
      "SourceUnavailable",
      `${identityOf(source)} is not in the cache, and HF_HUB_OFFLINE forbids asking the Hub; unset it once`,
    );
  }
  await using partial = await openPartial(order.key, session);
  const job: Transfer = {
    url: urlOf(source, session.environment),
    locate: () => locate(source, session),
    partial,
    sourceKey: keyOf(identityOf(source)),
    ...order,
  };
  const name = fileNameOf(source);
  const remote = await transferVerified(job, name, session);
  const blob = await admitBlob(session.cache, partial.path, partial.sha256());
  const { etag, lastModified } = remote;
  await writeIndex(session.cache, source, {
    sha256: blob.sha256,
    sizeBytes: blob.sizeBytes,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  });
  return blob;
}

async function openPartial(key: string, session: DownloadSession): Promise<PartialFile> {
  const { cache, signal, onProgress } = session;
  return PartialFile.open(cache, key, {
    signal,
    onBytes: (receivedBytes) => onProgress({ phase: "verifying", receivedBytes }),
  });
}

async function transferVerified(
  job: Transfer,
  name: string,
  session: DownloadSession,
): Promise<RemoteFile> {
  for (let isSecondTry = false; ; isSecondTry = true) {
    const remote = await transfer(job, session);
    const problem = await problemOf(job, remote, name);
    if (problem === undefined) return remote;
    const wasPatched = job.partial.patched;
    await job.partial.restart(undefined);
    if (!wasPatched || isSecondTry) throw problem;
    session.log(`${problem.message}; part of it was left by an earlier attempt, starting over`);
  }
}

/** What is wrong with the bytes that arrived, the most telling finding first. */
async function problemOf(
  { url, partial, sha256 }: Transfer,
  remote: RemoteFile,
  name: string,
): Promise<WeightsError | undefined> {
  try {
    await requireGguf(partial.path, name);
    requireSize(partial.sizeBytes, remote.sizeBytes);
    await requireAlone(partial);
    requireChecksum(partial.sha256(), sha256 ?? remote.sha256);
    return undefined;
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    return new WeightsError(error.reason, `${publicUrl(url)}: ${error.message}`);
  }
}

function requireSize(sizeBytes: number, announcedBytes: number | undefined): void {
  if (announcedBytes === undefined || sizeBytes === announcedBytes) return;
  throw new WeightsError(
    sizeBytes < announcedBytes ? "Truncated" : "ChecksumMismatch",
    `${sizeBytes} bytes arrived, ${announcedBytes} were announced`,
  );
}

/** The hash is of what was written; if the file has more, somebody else has written to it, too. */
async function requireAlone({ path, sizeBytes }: PartialFile): Promise<void> {
  const { size } = await stat(path);
  if (size === sizeBytes) return;
  throw new WeightsError(
    "SourceUnavailable",
    `${path} has ${size} bytes after ${sizeBytes} were written: another process writes to it`,
  );
}
