/**
 * The files of a model, fetched into the cache or found on a volume, and linked under the names that the
 * server expects.
 *
 * Links are made last, by rename: whoever sees one sees a file that is complete and verified.
 */
import { randomUUID } from "node:crypto";
import { mkdir, realpath, rename, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FetchConfig, FetchedFile } from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { writeRecord } from "@localmodel/weights/cache/record-file.ts";
import { fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import { withPart } from "@localmodel/weights/gguf/split-names.ts";
import { progressReporter } from "@localmodel/weights/progress/progress-reporter.ts";
import type { WeightsProgress } from "@localmodel/weights/progress/progress.ts";
import { persistently } from "./persistently.ts";
import type { ProgressBoard } from "./progress-board.ts";
import { secretCredentials } from "./secret-credentials.ts";

/** A file of the cache, which is named by its SHA-256. */
const BLOB = /\/blobs\/([0-9a-f]{64})\.gguf$/;

export type FetchHooks = {
  readonly board: ProgressBoard;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
};

/** Resolves to the SHA-256 of files that are in the cache. */
export async function fetchFiles(
  config: FetchConfig,
  hooks: FetchHooks,
): Promise<readonly string[]> {
  const fetched: Fetched[] = [];
  for (const file of config.files) fetched.push(await fetchFile(file, config, hooks));
  const { pinnedFilesPath } = config;
  const pinned = fetched.flatMap((one) => one.pinned);
  if (pinnedFilesPath !== undefined) await writeRecord(pinnedFilesPath, pinned);
  return [...new Set(fetched.flatMap(({ blobs }) => blobs))];
}

type Fetched = {
  /** Those of its files that have a checksum, by the names that they are linked under. */
  readonly pinned: readonly PinnedFile[];
  readonly blobs: readonly string[];
};

async function fetchFile(
  { role, source, path }: FetchedFile,
  { cacheFolder: cacheDir, cacheIsShared, sourceHosts }: FetchConfig,
  { board, log, environment }: FetchHooks,
): Promise<Fetched> {
  // A line in the log for every tenth.
  const stream = { write: (line: string) => log.info(line.trim(), { role }) };
  using lines = progressReporter(stream, { isTTY: false });
  const weights = await persistently(
    () =>
      fetchWeights(source, {
        cacheDir,
        cacheIsShared,
        ...(sourceHosts !== undefined && { sourceHosts }),
        environment,
        credentialsFor: secretCredentials(role, environment),
        onProgress: (progress: WeightsProgress) => {
          board.moved(role, progress);
          lines.report(progress);
        },
        log: (message) => {
          log.warn(message, { role });
          board.waits(message);
        },
      }),
    (message, reason) => {
      log.warn(message, { role, reason });
      board.waits(message, reason);
    },
  );
  const files = await Promise.all(weights.parts.map((file) => realpath(file)));
  const links = await link(files, path);
  board.done(role, weights.sizeBytes);
  log.info("fetched", { role, path, sizeBytes: weights.sizeBytes, sha256: weights.sha256 });
  const pinned = weights.pinned.map((file) => ({
    ...file,
    path: links[weights.parts.indexOf(file.path)] ?? file.path,
  }));
  return { pinned, blobs: files.flatMap((file) => BLOB.exec(file)?.[1] ?? []) };
}

/** All parts of a split GGUF lie next to each other; their names follow from the first. */
async function link(files: readonly string[], path: string): Promise<readonly string[]> {
  await mkdir(dirname(path), { recursive: true });
  const links: string[] = [];
  for (const [index, file] of files.entries()) {
    const name = index === 0 ? basename(path) : withPart(basename(path), index + 1);
    const place = join(dirname(path), name);
    const temporary = `${place}.${randomUUID()}.tmp`;
    // To the file itself: the links a cache or a volume has may lead through folders the server has not.
    await symlink(file, temporary);
    await rename(temporary, place);
    links.push(place);
  }
  return links;
}
