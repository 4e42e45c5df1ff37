/**
 * What a file looks like from outside: whether it has been touched since it was last read.
 *
 * Size and time of modification can both be restored by whoever alters a file. The time of its last change cannot, nor
 * can a file that took its place have its inode.
 */
import type { BigIntStats } from "node:fs";
import type { Fingerprint } from "@localmodel/localmodel/contracts/pinned-file.ts";

export function fingerprintOf(stats: BigIntStats): Fingerprint {
  return {
    device: String(stats.dev),
    inode: String(stats.ino),
    sizeBytes: Number(stats.size),
    modifiedNs: String(stats.mtimeNs),
    changedNs: String(stats.ctimeNs),
  };
}

export function isSameFile(a: Fingerprint, b: Fingerprint): boolean {
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.sizeBytes === b.sizeBytes &&
    a.modifiedNs === b.modifiedNs &&
    a.changedNs === b.changedNs
  );
}
