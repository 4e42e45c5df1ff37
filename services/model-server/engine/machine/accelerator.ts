/**
 * What became of the devices that a server was given, told from what llama.cpp and the system say. Pure, but for asking the
 * driver for its version.
 *
 * llama.cpp itself is content with the CPU, and says why in its log alone: so its complaints are all there is to go by.
 */
import { readFileSync } from "node:fs";
import type {
  AcceleratorProblem,
  DeviceFacts,
} from "@localmodel/localmodel/contracts/server-state.ts";
import { ALL_LAYERS, type GpuPlan } from "./gpu-layers.ts";

/** CUDA's words for a driver that is older than what the libraries were built with. */
const DRIVER_TOO_OLD =
  /driver version is insufficient|unsupported toolchain|PTX was compiled with|unsupported display driver|system driver mismatch|forward compatibility was attempted/iu;
/** How the loader, CUDA and ROCm say that there is no driver at all. */
const NO_DRIVER = /libcuda\.so|no (?:CUDA|ROCm)-capable device|libvulkan\.so|no driver/iu;
const NVIDIA_VERSION_FILE = "/proc/driver/nvidia/version";
const COMPLAINT_MAX_CHARACTERS = 300;

export function missingDevice(
  complaints: readonly string[],
  driverVersion: string | undefined,
): AcceleratorProblem {
  const telling = complaints.find((one) => DRIVER_TOO_OLD.test(one));
  const driver = driverVersion === undefined ? "" : ` ${driverVersion}`;
  if (telling !== undefined) {
    return {
      reason: "DriverTooOld",
      message: `The driver${driver} of the node is older than the image needs: ${shortened(telling)}`,
    };
  }
  const said = complaints.find((one) => NO_DRIVER.test(one)) ?? complaints.at(-1);
  const why = said === undefined ? "" : `: ${shortened(said)}`;
  return {
    reason: "AcceleratorMissing",
    message: `The pod was given a GPU, and llama.cpp finds none that it can use${why}`,
  };
}

/** What a driver and this process take by themselves, at most: of a device, and in bytes. */
const OWN_SHARE = 0.1;
const OWN_BYTES = 2 ** 30;

/** Whether others have memory of a device, asked before this process has taken any. */
export function isHeldByOthers(devices: readonly DeviceFacts[]): boolean {
  return devices.some(
    ({ memoryBytes, freeBytes = memoryBytes }) =>
      memoryBytes - freeBytes > Math.max(OWN_BYTES, OWN_SHARE * memoryBytes),
  );
}

/** Whether devices that nobody else uses would have enough. */
export function wouldFitAlone(neededBytes: number, devices: readonly DeviceFacts[]): boolean {
  return neededBytes <= devices.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
}

/** Undefined where all layers fit. */
export function deviceTooSmall(
  { layers, ofLayers, neededBytes }: GpuPlan,
  devices: readonly DeviceFacts[],
): AcceleratorProblem | undefined {
  if (layers >= ofLayers) return undefined;
  const free = devices.reduce((sum, device) => sum + (device.freeBytes ?? 0), 0);
  const fitting =
    ofLayers === ALL_LAYERS
      ? "not all layers would fit"
      : `${layers} of ${ofLayers} layers would fit`;
  const names = devices.map(({ name, memoryBytes }) => `${name} (${gibibytes(memoryBytes)})`);
  return {
    reason: "VramTooSmall",
    message:
      `The weights and contexts need about ${gibibytes(neededBytes)} of the devices' memory, and ` +
      `${gibibytes(free)} are free on ${names.join(", ")}: ${fitting}`,
  };
}

/** Where the system tells: the kernel module's version is the driver's. */
export function nvidiaDriverVersion(file: string = NVIDIA_VERSION_FILE): string | undefined {
  try {
    return driverVersionIn(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

export function driverVersionIn(text: string): string | undefined {
  return /Kernel Module.*?\s(\d{3,}(?:\.\d+)+)/u.exec(text)?.[1];
}

function shortened(text: string): string {
  return text.trim().slice(0, COMPLAINT_MAX_CHARACTERS);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
