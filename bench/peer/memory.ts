/**
 * What a side's processes hold in memory, counted in two ways: resident memory has every page once for each process that
 * maps it, so that two processes of one program count its code twice; the proportional counts such a page once.
 */
import { readFile } from "node:fs/promises";
import { descendantsOf, residentBytes } from "../../test/support/process-tree.ts";

export type Memory = { readonly residentBytes: number; readonly proportionalBytes: number };

/** Of a process and all below it. */
export async function memoryBelow(root: number): Promise<Memory> {
  const pids = [root, ...(await descendantsOf(root)).map(({ pid }) => pid)];
  const sumOf = async (bytesOf: (pid: number) => Promise<number>): Promise<number> =>
    (await Promise.all(pids.map(bytesOf))).reduce((sum, bytes) => sum + bytes, 0);
  return {
    residentBytes: await sumOf(residentBytes),
    proportionalBytes: await sumOf(proportionalBytes),
  };
}

async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${pid} has no memory`);
  return Number(kibibytes) * 1024;
}
