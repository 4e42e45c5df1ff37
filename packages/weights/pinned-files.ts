/**
 * Files whose checksum somebody has asked for, looked at before they are loaded.
 *
 * One that looks as it did when it was verified is believed; any other is read again, and is not loaded when it has
 * other bytes.
 */
import { stat } from "node:fs/promises";
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import { sha256OfFile } from "./cache/file-hash.ts";
import { fingerprintOf, isSameFile } from "./cache/fingerprint.ts";
import { WeightsError } from "./source/weights-error.ts";

/** The files as they look now. Throws a WeightsError for the first that has other bytes, or is gone. */
export async function verifyPinned(
  files: readonly PinnedFile[],
  signal: AbortSignal,
): Promise<readonly PinnedFile[]> {
  const verified: PinnedFile[] = [];
  for (const file of files) verified.push(await verifyOne(file, signal));
  return verified;
}

async function verifyOne(file: PinnedFile, signal: AbortSignal): Promise<PinnedFile> {
  const { path, sha256 } = file;
  const stats = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw new WeightsError("NotFound", `there is no file ${path} any more`, { cause });
  });
  // Taken before it is read: what is altered meanwhile looks different next time.
  const fingerprint = fingerprintOf(stats);
  if (isSameFile(fingerprint, file.fingerprint)) return file;
  const found = await sha256OfFile(path, { signal });
  if (found === sha256) return { ...file, fingerprint };
  throw new WeightsError(
    "ChecksumMismatch",
    `${path} has been changed since it was verified: its sha256 is ${found}, it should be ${sha256}`,
  );
}
