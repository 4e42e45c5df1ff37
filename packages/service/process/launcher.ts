/**
 * The launcher of a script: npm, npx and their like, which run it in a shell and are what people send signals to.
 *
 * A signal that ends the launcher may never reach the script: npm hands it to the shell, which ends and tells nobody,
 * and SIGKILL is handed to nobody at all. What is left of it is a process that holds its port. So whoever was started by
 * a launcher looks now and then whether that is still there. A process that nobody launched so goes on without its
 * parent, as daemons do.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const LOOK_INTERVAL_MS = 250;
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash", "ash", "zsh", "busybox", "ksh"]);

/** Calls back once, when the launcher or the shell between it and this process has gone. */
export function onLauncherGone(callback: () => void, environment = process.env): void {
  if (environment["npm_lifecycle_event"] === undefined) return;
  const shell = process.ppid;
  const launcher = launcherBehind(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && (launcher === undefined || isAlive(launcher))) return;
    clearInterval(timer);
    callback();
  }, LOOK_INTERVAL_MS);
  // It is no reason to stay.
  timer.unref();
}

/** Undefined if the parent is the launcher itself: many a shell makes way for its last command. */
function launcherBehind(parent: number): number | undefined {
  const { name, parent: launcher } = processAt(parent) ?? {};
  return name !== undefined && SHELLS.has(name) ? launcher : undefined;
}

function processAt(pid: number): { name: string; parent: number } | undefined {
  try {
    // The name stands in brackets and may hold any character.
    const [, name = "", parent] =
      /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return { name, parent: Number(parent) };
  } catch {
    return processByPs(pid);
  }
}

/** Where there is no /proc. */
function processByPs(pid: number): { name: string; parent: number } | undefined {
  try {
    const text = execFileSync("ps", ["-o", "ppid=,comm=", "-p", String(pid)], { encoding: "utf8" });
    const [, parent, name = ""] = /^\s*(\d+)\s+-?(.*\S)/.exec(text) ?? [];
    return { name: path.basename(name), parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
