/**
 * Kept states in a folder. Runs on a thread of its own (state-worker.ts): it waits for the disk, and what llama.cpp
 * computes meanwhile must not.
 *
 * A file comes by rename, when it is whole and on the disk; several processes may share the folder, so that any file may
 * be gone at any time.
 */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import {
  decodeHead,
  encodeHead,
  filesToRemove,
  type StateHead,
  type StoredFile,
} from "./state-file.ts";

const SUFFIX = ".state";
const UNFINISHED_SUFFIX = ".unfinished";
/** What takes longer to write was left by a process that is gone. */
const UNFINISHED_MS = 600_000;

export type ListedState = Pick<StateHead, "owner" | "tokens"> & { readonly name: string };

/** Those with this fingerprint that look whole. Also removes what somebody left unfinished. */
export function listStates(folder: string, fingerprint: string): readonly ListedState[] {
  const listed: ListedState[] = [];
  for (const name of namesIn(folder)) {
    if (name.endsWith(UNFINISHED_SUFFIX)) removeIfOld(path.join(folder, name));
    if (!name.endsWith(SUFFIX) || !name.startsWith(`${fingerprint}-`)) continue;
    const head = withFile(path.join(folder, name), (file) => decodeHead(readerOf(file)));
    if (head?.fingerprint === fingerprint) listed.push({ name, ...head });
  }
  return listed;
}

export type WrittenState = {
  readonly name: string;
  readonly head: Omit<StateHead, "stateBytes" | "stateCrc32">;
  readonly state: Uint8Array;
  /** Files whose place it takes. */
  readonly instead: readonly string[];
  readonly maxBytes: number;
};

/** Whether it is there now: one that is too large is not kept. Throws what the disk says. */
export function writeState(folder: string, written: WrittenState): boolean {
  const { name, state, instead, maxBytes } = written;
  const stateCrc32 = crc32(state);
  const head = encodeHead({ ...written.head, stateBytes: state.length, stateCrc32 });
  const bytes = head.length + state.length;
  if (bytes > maxBytes) return false;
  // What was asked is in it.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const others = storedIn(folder).filter((file) => !instead.includes(file.name));
  const removed = filesToRemove(others, { moreBytes: bytes, maxBytes });
  for (const one of [...removed, ...instead]) rmSync(path.join(folder, one), { force: true });
  const fresh = path.join(folder, `${name}.${randomUUID()}${UNFINISHED_SUFFIX}`);
  try {
    const file = openSync(fresh, "wx", 0o600);
    try {
      for (const part of [head, state]) writeAll(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path.join(folder, name));
  } finally {
    rmSync(fresh, { force: true });
  }
  return true;
}

/** The bytes of llama.cpp. Undefined where the file is gone or is not what was written; then it is removed. */
export function readState(folder: string, name: string): Uint8Array | undefined {
  const full = path.join(folder, name);
  const state = withFile(full, (file) => {
    const read = readerOf(file);
    const head = decodeHead(read);
    const bytes = head && read(head.stateBytes);
    const isWhole = bytes?.length === head?.stateBytes && crc32(bytes ?? "") === head?.stateCrc32;
    return isWhole ? bytes : undefined;
  });
  if (state === undefined) rmSync(full, { force: true });
  else touch(full);
  return state;
}

/** In what it calls its modification time, since the other is not kept on many disks. */
function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Somebody removed it, or the folder is not ours to write.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function storedIn(folder: string): readonly StoredFile[] {
  return namesIn(folder).flatMap((name) => {
    if (!name.endsWith(SUFFIX)) return [];
    const found = statSync(path.join(folder, name), { throwIfNoEntry: false });
    return found ? [{ name, bytes: found.size, usedMs: found.mtimeMs }] : [];
  });
}

function removeIfOld(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && Date.now() - found.mtimeMs > UNFINISHED_MS) rmSync(file, { force: true });
}

function withFile<Result>(file: string, use: (descriptor: number) => Result): Result | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return undefined;
  }
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads on from where it stopped; fewer bytes at the file's end. */
function readerOf(file: number): (bytes: number) => Buffer {
  return (bytes) => {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    let length = 0;
    while (length < bytes) {
      const more = readSync(file, buffer, length, bytes - length, null);
      if (more === 0) break;
      length += more;
    }
    return buffer.subarray(0, length);
  };
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}
