/**
 * Keeps hosts apart that share a cache on a file system whose locks end at the host.
 *
 * The kernel's lock (file-lock.ts) is reliable between processes of one kernel, in whatever containers. Network
 * file systems may keep locks to themselves, silently. So whoever has the kernel's lock also owns a file that
 * only one can make, and shows every few seconds that he lives. Hosts do not compare clocks: an owner is taken
 * for dead when his file has stayed the same for a while by the watch of the one who waits. An owner of this very
 * kernel who does not hold the lock is dead for sure.
 */
import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { WeightsError } from "../source/weights-error.ts";

type OwnerTiming = {
  readonly beatMs: number;
  /** Several beats: one may be late on a busy machine or a slow file system. */
  readonly deadAfterMs: number;
  readonly pollMs: number;
};

const TIMING: OwnerTiming = { beatMs: 5_000, deadAfterMs: 30_000, pollMs: 250 };

export type OwnerOptions = {
  readonly signal: AbortSignal;
  readonly onWait: () => void | Promise<void>;
  /** Default: this kernel. */
  readonly host?: string;
  readonly timing?: OwnerTiming;
};

/** Waits until nobody else owns `path`. The caller holds the kernel's lock. */
export async function ownFile(path: string, options: OwnerOptions): Promise<OwnedFile> {
  const { signal, onWait, host = kernelId(), timing = TIMING } = options;
  let seen: { readonly text: string; readonly atMs: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const own = OwnedFile.make(path, host, timing);
    if (own !== undefined) return own;
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue; // Given up just now.
    if (text !== seen?.text) seen = { text, atMs: performance.now() };
    const isDead = performance.now() - seen.atMs >= timing.deadAfterMs;
    if (isDead || text.startsWith(`${host} `)) {
      await takeAway(path, text);
      continue;
    }
    await onWait();
    await delay(timing.pollMs, undefined, { signal });
  }
}

/** Removes a dead owner's file, and no other: somebody else may have been quicker. */
async function takeAway(path: string, text: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) !== text) return;
  const aside = `${path}.${randomUUID()}.dead`;
  await rename(path, aside).catch(() => {});
  await rm(aside, { force: true });
}

class OwnedFile implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #name: string;
  #beats = 0;

  private constructor(
    path: string,
    fd: number,
    { host, beatMs }: { host: string; beatMs: number },
  ) {
    this.#path = path;
    this.#fd = fd;
    this.#name = `${host} ${randomUUID()}`;
    this.#beat();
    this.#timer = setInterval(() => this.#beat(), beatMs);
    this.#timer.unref();
  }

  /** Undefined if there is an owner. Making a file exclusively is atomic on network file systems, too. */
  static make(path: string, host: string, { beatMs }: OwnerTiming): OwnedFile | undefined {
    try {
      return new OwnedFile(path, openSync(path, "wx"), { host, beatMs });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
      throw error;
    }
  }

  /** Aborts when somebody has taken this owner for dead. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Into the file that was opened: one that has been taken away stays away. */
  #beat(): void {
    try {
      this.#beats += 1;
      writeSync(this.#fd, `${this.#name} ${String(this.#beats).padStart(9, "0")}\n`, 0);
      if (this.#beats === 1 || this.#isOurs()) return;
    } catch {
      // As good as lost: others see no beats either.
    }
    this.#lost.abort(
      new WeightsError("SourceUnavailable", "another host has taken over this download"),
    );
  }

  #isOurs(): boolean {
    try {
      return statSync(this.#path).ino === fstatSync(this.#fd).ino;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#isOurs()) rmSync(this.#path, { force: true });
    closeSync(this.#fd);
  }
}

/** The same in all containers of one machine, and another after it has been started again. */
function kernelId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "this-machine"; // Not Linux: a machine of a person, with a cache of its own.
  }
}
