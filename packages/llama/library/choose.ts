/**
 * Which of llama.cpp's libraries this process loads.
 *
 * Libraries for a GPU are tried in a process of their own first: a driver that is missing or too old can end a
 * process, and a process that has loaded one set of libraries cannot change to another.
 */
import { fork } from "node:child_process";
import { candidatesFor, type Gpu, gpusOf, type Libraries } from "./candidates.ts";

export type GpuChoice = "auto" | Gpu;

const PROBE = new URL("probe.ts", import.meta.url);
/** CUDA takes seconds to start on machines with many devices. */
const PROBE_TIMEOUT_MS = 60_000;

export class NoLibrariesError extends Error {
  override readonly name = "NoLibrariesError";
}

/** @throws NoLibrariesError when there are none that work here, for the device that was asked for. */
export async function chooseLibraries(choice: GpuChoice): Promise<Libraries> {
  const machine = { platform: process.platform, arch: process.arch };
  const gpus = choice === "auto" ? [...gpusOf(machine), false as const] : [choice];
  const candidates = gpus.flatMap((gpu) => candidatesFor(gpu, machine));
  for (const candidate of candidates) {
    if (candidate.gpu === false || (await findsDevice(candidate))) return candidate;
  }
  const where = candidates.map(({ folder }) => folder).join(", ") || "nowhere";
  throw new NoLibrariesError(
    `No libraries of llama.cpp for ${choice === false ? "the CPU" : choice} work on ${machine.platform} ${machine.arch}. ` +
      `Looked at: ${where}. npm ci installs those for this platform.`,
  );
}

/** Whether a process that loads the libraries lives to find a device in them. */
async function findsDevice(libraries: Libraries): Promise<boolean> {
  const child = fork(PROBE, { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once("message", (found) => resolve(found === true));
  child.once("error", () => resolve(false));
  child.once("exit", () => resolve(false));
  const timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
  child.send(libraries, () => undefined);
  const found = await promise;
  clearTimeout(timer);
  child.kill("SIGKILL");
  return found;
}
