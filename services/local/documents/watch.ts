/**
 * Says when documents may have changed, whatever editors do to files.
 *
 * The file system's events only wake it up early; what counts is a look at every file. So a missed event,
 * a rename, a network drive or a full event queue cost at most one interval, and never a change.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { listFolder } from "@localmodel/localmodel/documents/list-folder.ts";

const POLL_INTERVAL_MS = 2000;
/** Two looks this far apart must agree: an editor may still be writing. */
const SETTLE_INTERVAL_MS = 60;
const SETTLE_LOOKS_MAX = 50;

/** Yields after each change, until the signal aborts. `first` is the state that has been read. */
export async function* changes(
  paths: readonly string[],
  first: string,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const waker = new Waker(paths);
  try {
    for (let known = first; !signal.aborted; await waker.woken(POLL_INTERVAL_MS, signal)) {
      const seen = await settled(paths, signal);
      if (seen === known) continue;
      known = seen;
      yield;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    waker.close();
  }
}

/** Differs whenever a file has appeared, gone or been written. */
export async function signature(paths: readonly string[]): Promise<string> {
  const files = await Promise.all(
    paths.map(async (one) => [one, ...(await listFolder(one).catch(() => []))]),
  );
  return (await Promise.all(files.flat().map(signatureOf))).join("\n");
}

async function signatureOf(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  if (stats === undefined) return `${file} -`;
  // The time of a folder changes with files that are none of ours, such as an editor's backups.
  if (stats.isDirectory()) return `${file} folder`;
  return `${file} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}

async function settled(paths: readonly string[], signal: AbortSignal): Promise<string> {
  let seen = await signature(paths);
  for (let looks = 0; looks < SETTLE_LOOKS_MAX; looks++) {
    await wait(SETTLE_INTERVAL_MS, undefined, { signal });
    const again = await signature(paths);
    if (again === seen) break;
    seen = again;
  }
  return seen;
}

class Waker {
  readonly #watchers: FSWatcher[] = [];
  #isWoken = false;
  #wake: () => void = () => {};

  constructor(paths: readonly string[]) {
    // Folders, because a watched file that is replaced by renaming is watched no more.
    const folders = new Set(paths.flatMap((one) => [one, path.dirname(one)]));
    for (const folder of folders) this.#watch(folder);
  }

  /** Waits for the interval, or for an event since it last waited. */
  async woken(intervalMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, intervalMs);
    signal.addEventListener("abort", wake, { once: true });
    this.#wake = wake;
    if (this.#isWoken) wake();
    await promise;
    this.#isWoken = false;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#isWoken = true;
        this.#wake();
      });
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // No watches left, or no such folder: the interval finds out as well.
    }
  }
}
