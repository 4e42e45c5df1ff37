/**
 * Who started whom, and how much memory a process holds: what tests need to kill an engine, to leave
 * nothing behind, and benchmarks to watch one.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";

const run = promisify(execFile);

type Row = {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** It has ended, and waits for its parent to take note. */
  readonly isZombie: boolean;
};

export async function childrenOf(parent: number): Promise<readonly Row[]> {
  return (await processes()).filter((row) => row.parent === parent);
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

/**
 * Kills a process and all below it, and returns those once none of them runs. Each is stopped before its
 * children are looked for: one that runs could start another that nobody has seen, and that would
 * still write while a test clears its folder away.
 */
export async function killTree(root: number): Promise<readonly number[]> {
  const tree = await stopTree(root);
  for (const pid of tree) signal(pid, "SIGKILL");
  const ended = async () => {
    const left = (await processes()).filter(({ pid, isZombie }) => tree.includes(pid) && !isZombie);
    assert.deepEqual(left, []);
  };
  await eventually("every process that was killed to end", ended, { intervalMs: 5 });
  return tree;
}

async function stopTree(pid: number): Promise<readonly number[]> {
  if (!signal(pid, "SIGSTOP")) return [];
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map((child) => stopTree(child.pid)));
  return [pid, ...below.flat()];
}

/** False where it has ended by itself, as children do when their parent is gone. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
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

async function processes(): Promise<readonly Row[]> {
  return process.platform === "linux" ? rowsFromProc() : rowsFromPs();
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
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid: Number(pid),
      parent: Number(parent),
      command: command.replaceAll("\0", " "),
      isZombie: state === "Z",
    };
  } catch {
    return undefined; // it ended while we were looking
  }
}

async function rowsFromPs(): Promise<readonly Row[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,state=,command="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state = "", command = ""] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), command, isZombie: state.startsWith("Z") }];
  });
}
