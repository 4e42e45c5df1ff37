/**
 * Could somebody else have written to this file of the cache?
 *
 * Records in the cache say what files looked like when they were verified. Where another user may write, he may have
 * written both, so nothing is believed there without reading it.
 */
import { type BigIntStats, constants } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

const ROOT = 0n;

/** `paths` and the folders they lie in, up to `root`. */
export async function othersMayWrite(root: string, paths: readonly string[]): Promise<boolean> {
  const places = new Set<string>([root]);
  for (const path of paths) {
    for (let place = path; place.length > root.length; place = dirname(place)) places.add(place);
  }
  const found = await Promise.all(
    [...places].map((place) => stat(place, { bigint: true }).catch(() => undefined)),
  );
  return found.some((stats) => stats !== undefined && isOthers(stats));
}

function isOthers({ uid, gid, mode }: BigIntStats): boolean {
  const [me, myGroup] = [process.geteuid?.(), process.getegid?.()];
  // Where there are no users, as on Windows, nothing can be told.
  if (me === undefined || myGroup === undefined) return false;
  if (uid !== BigInt(me) && uid !== ROOT) return true;
  if ((mode & BigInt(constants.S_IWOTH)) !== 0n) return true;
  // Users have groups of their own on many machines; another group is other people.
  return (mode & BigInt(constants.S_IWGRP)) !== 0n && gid !== BigInt(myGroup) && gid !== ROOT;
}
