/**
 * Is there room for a file? And what an error of the file system means to a person.
 */
import { mkdir, statfs } from "node:fs/promises";
import { formatBytes } from "../progress/units.ts";
import { WeightsError } from "../source/weights-error.ts";

/** Left free, so that a download never takes the last byte from the rest of the machine. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** Throws unless `neededBytes` more fit into `folder`, which is made if it is not there. */
export async function requireSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize, blocks } = await onDisk(folder, async () => {
    await mkdir(folder, { recursive: true });
    return statfs(folder);
  });
  if (blocks === 0) return; // Some network file systems do not tell.
  const problem = spaceProblem(neededBytes, bavail * bsize, folder);
  if (problem !== undefined) throw new WeightsError("DiskFull", problem);
}

export function spaceProblem(
  neededBytes: number,
  availableBytes: number,
  folder: string,
): string | undefined {
  if (neededBytes + RESERVE_BYTES <= availableBytes) return undefined;
  return `${formatBytes(neededBytes)} are needed in ${folder}, where ${formatBytes(availableBytes)} are free (${formatBytes(RESERVE_BYTES)} are left untouched); free some space or set LOCALMODEL_CACHE to a folder on a bigger disk`;
}

/** Runs file system work on the cache; its errors become WeightsErrors that say what to do. */
export async function onDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(error, folder);
  }
}

export function diskError(error: unknown, folder: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined || error instanceof WeightsError) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    const what = code === "EDQUOT" ? "the quota of this user is used up" : "the disk is full";
    return new WeightsError(
      "DiskFull",
      `${what} (${code}) while writing to ${folder}; what has arrived is kept if it can be continued. Free some space or set LOCALMODEL_CACHE to a folder on a bigger disk`,
      { cause: error },
    );
  }
  if (/^(EACCES|EPERM|EROFS|ENOTDIR|EFBIG|EIO|ELOOP|EMFILE|ENFILE|ENOENT)$/.test(code)) {
    return new WeightsError(
      "CacheUnusable",
      `the cache folder ${folder} cannot be used (${(error as Error).message}); set LOCALMODEL_CACHE to a folder this user may write to`,
      { cause: error },
    );
  }
  return error;
}
