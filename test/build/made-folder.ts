/** A folder that is made once: its name has the hash of what it is made of, and it is there as a whole or not at all. */
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** `make` is given the path of a folder that is not there yet, beside the one that it becomes. */
export async function madeFolder(
  folder: string,
  make: (unfinished: string) => Promise<void>,
): Promise<void> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) return;
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(dirname(unfinished), { recursive: true });
  await make(unfinished);
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}
