/**
 * Which of llama.cpp's libraries this process loads.
 *
 * Libraries for a GPU are tried in a process of their own first: a driver that is missing or too old can end a
 * process, and a process that has loaded one set of libraries cannot change to another.
 */
import { fork } from "node:child_process";
import { candidatesFor, type Gpu, gpusOf, type Libraries } from "./candidates.ts";
import type { ProbeResult } from "./probe.ts";

export type GpuChoice = "auto" | Gpu;

const PROBE = new URL("probe.ts", import.meta.url);
/** CUDA takes seconds to start on machines with many devices. */
const PROBE_TIMEOUT_MS = 60_000;

export class NoLibrariesError extends Error {
  override readonly name = "NoLibrariesError";
}

type Choice = {
  readonly libraries: Libraries;
  /** What those said that were tried first and found no device, the first of them first. */
  readonly complaints: readonly string[];
};

/** @throws NoLibrariesError when there are none that work here, for the device that was asked for. */
export async function chooseLibraries(choice: GpuChoice): Promise<Choice> {
  const machine = { platform: process.platform, arch: process.arch };
  const gpus = choice === "auto" ? [...gpusOf(machine), false as const] : [choice];
  const candidates = gpus.flatMap((gpu) => candidatesFor(gpu, machine));
  const complaints: string[] = [];
  for (const libraries of candidates) {
    if (libraries.gpu === false) return { libraries, complaints };
    const tried = await probe(libraries);
    if (tried.found) return { libraries, complaints };
    complaints.push(...tried.complaints);
  }
  const where = candidates.map(({ folder }) => folder).join(", ") || "nowhere";
  throw new NoLibrariesError(
    `No libraries of llama.cpp for ${choice === false ? "the CPU" : choice} work on ${machine.platform} ${machine.arch}. ` +
      `Looked at: ${where}. npm ci installs those for this platform.`,
  );
}

/** Whether a process that loads the libraries lives to find a device in them. */
async function probe(libraries: Libraries): Promise<ProbeResult> {
  const child = fork(PROBE, { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const fails = (why: string) => resolve({ found: false, complaints: [why] });
  child.once("message", (result) => resolve(result as ProbeResult));
  child.once("error", (error) => fails(String(error)));
  child.once("exit", (_code, signal) =>
    fails(`the libraries for ${libraries.gpu} end the process (${signal})`),
  );
  const timer = setTimeout(
    () => fails(`the libraries for ${libraries.gpu} do not answer`),
    PROBE_TIMEOUT_MS,
  );
  child.send(libraries, () => undefined);
  const result = await promise;
  clearTimeout(timer);
  child.kill("SIGKILL");
  return result;
}
