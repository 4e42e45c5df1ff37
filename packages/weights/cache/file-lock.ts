/**
 * A lock that processes share and that no dead process can hold.
 *
 * Lock files with a process id in them need to guess whether the owner still lives, and two guessers can
 * both be right. The kernel knows: it drops the locks of a process that ends, however it ends. Node has
 * no call for such locks, but SQLite, which comes with Node, takes one for every exclusive transaction,
 * so an empty database serves as the lock. The file stays behind, with nothing in it. Between hosts, which have
 * kernels of their own, owner-file.ts takes over.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { onDisk } from "./disk-space.ts";
import { ownFile, type OwnerOptions } from "./owner-file.ts";
import { WeightsError } from "../source/weights-error.ts";

const POLL_MS = 100;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/** `onWait` is called some times a second while somebody else holds the lock. */
type LockOptions = OwnerOptions;

type Lock = Disposable & {
  /** Aborts when another host has taken the lock, because this one seemed dead. */
  readonly lost: AbortSignal;
};

/** Waits until the lock is free. Disposing of it, or the end of this process, frees it. */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  const { signal, onWait } = options;
  await onDisk(dirname(path), () => mkdir(dirname(path), { recursive: true }));
  for (;;) {
    signal.throwIfAborted();
    const lock = tryLock(path);
    if (lock !== undefined) return ownedToo(lock, path, options);
    await onWait();
    await delay(POLL_MS, undefined, { signal });
  }
}

async function ownedToo(lock: Disposable, path: string, options: LockOptions): Promise<Lock> {
  try {
    const owned = await onDisk(dirname(path), () => ownFile(`${path}.owner`, options));
    return {
      lost: owned.lost,
      [Symbol.dispose]() {
        owned[Symbol.dispose]();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** The lock of this kernel alone, if it is free. */
export function tryLock(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (error) {
    database?.close();
    const { errcode, message } = error as Error & { errcode?: number };
    if (errcode === SQLITE_BUSY || errcode === SQLITE_LOCKED) return undefined;
    throw new WeightsError(
      "CacheUnusable",
      `${path} cannot be locked (${message}); set LOCALMODEL_CACHE to a folder of this user, on a file system that supports locks`,
      { cause: error },
    );
  }
}
