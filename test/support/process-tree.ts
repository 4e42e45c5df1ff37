/**
 * Who started whom, and how much memory a process holds: what tests need to kill an engine and
 * benchmarks to watch one.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

type Row = { readonly pid: number; readonly parent: number; readonly command: string };

export async function childrenOf(parent: number): Promise<readonly Row[]> {
  const rows = process.platform === "linux" ? await rowsFromProc() : await rowsFromPs();
  return rows.filter((row) => row.parent === parent);
}

/** Every process below `root`, itself excluded. */
export async function descendantsOf(root: number): Promise<readonly Row[]> {
  const children = await childrenOf(root);
  const below = await Promise.all(children.map(({ pid }) => descendantsOf(pid)));
  return [...children, ...below.flat()];
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resident memory; Linux only, where benchmarks run. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${pid} has no resident memory`);
  return Number(kibibytes) * 1024;
}

async function rowsFromProc(): Promise<readonly Row[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(pids.map(rowFromProc));
  return rows.filter((row) => row !== undefined);
}

async function rowFromProc(pid: string): Promise<Row | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    // "pid (name) state parent …", and the name may hold anything, also parentheses.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid: Number(pid), parent: Number(parent), command: command.replaceAll("\0", " ") };
  } catch {
    return undefined; // it ended while we were looking
  }
}

async function rowsFromPs(): Promise<readonly Row[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,command="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
