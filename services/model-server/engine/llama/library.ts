/**
 * llama.cpp, opened once for this process, and the last of its complaints.
 *
 * Why something could not be loaded llama.cpp says only in its log, so what it complained of since the last attempt began
 * is kept for the failure's message.
 */
import { type Llama, openLlama } from "@localmodel/llama/llama.ts";
import type {
  AcceleratorProblem,
  DeviceFacts,
} from "@localmodel/localmodel/contracts/server-state.ts";
import { isHeldByOthers, missingDevice, nvidiaDriverVersion } from "../machine/accelerator.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { LogLine } from "@localmodel/llama/logs/log-lines.ts";

export type LlamaLog = (level: "error" | "warn", message: string) => void;

export type LlamaLibrary = {
  readonly llama: Llama;
  /** Of errors, the newest last, since this was last asked. */
  readonly takeComplaints: () => readonly string[];
  /** Whether other processes had memory of the devices when this one began. */
  readonly isShared: boolean;
};

type ProcessSettings = Pick<EngineSpec, "gpuLayers" | "numa">;

const COMPLAINTS_MAX = 8;

let library: Promise<LlamaLibrary> | undefined;
/** Of whoever opened it last: tests load many models in one process. */
let report: LlamaLog = () => {};

/** Devices and NUMA nodes are the process's: who opens it first decides. */
export function openLibrary(engine: ProcessSettings, log: LlamaLog): Promise<LlamaLibrary> {
  report = log;
  library ??= open(engine);
  return library;
}

async function open({ gpuLayers, numa }: ProcessSettings): Promise<LlamaLibrary> {
  const complaints: string[] = [];
  const llama = await openLlama({
    gpu: gpuLayers === 0 ? false : "auto",
    ...(numa !== undefined && { numa }),
    log: ({ level, message }: LogLine) => {
      if (level !== "error" && level !== "warn") return;
      if (level === "error") complaints.push(message);
      if (complaints.length > COMPLAINTS_MAX) complaints.shift();
      report(level, message);
    },
  });
  const takeComplaints = (): readonly string[] => complaints.splice(0);
  const isShared = isHeldByOthers(deviceFacts({ llama }));
  return { llama, takeComplaints, isShared };
}

/** Of all GPUs together, now, or of the one that gets all of a model that is not shared. */
export function freeGpuBytes(
  opened: LlamaLibrary,
  { splitMode, mainDevice = 0 }: Pick<EngineSpec, "splitMode" | "mainDevice">,
): number {
  const gpus = gpusOf(opened);
  const used = splitMode === "none" ? gpus.slice(mainDevice, mainDevice + 1) : gpus;
  return used.reduce((sum, { memory }) => sum + memory.freeBytes, 0);
}

export function deviceFacts(opened: Pick<LlamaLibrary, "llama">): readonly DeviceFacts[] {
  return gpusOf(opened).map(({ name, description, memory }) => ({
    name: description === "" ? name : description,
    memoryBytes: memory.totalBytes,
    freeBytes: memory.freeBytes,
  }));
}

/** Undefined where there is one that works. */
export function accessProblem(opened: LlamaLibrary): AcceleratorProblem | undefined {
  if (gpusOf(opened).length > 0) return undefined;
  const complaints = [...opened.llama.deviceComplaints, ...opened.takeComplaints()];
  return missingDevice(complaints, nvidiaDriverVersion());
}

export function gpusOf({ llama }: Pick<LlamaLibrary, "llama">) {
  return llama.devices().filter(({ kind }) => kind === "gpu" || kind === "integrated");
}
