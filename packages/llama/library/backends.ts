/** Loads ggml's backends, which know the devices, and says which devices there are. */
import { ggml_backend_dev_type } from "../generated/constants.ts";
import { type Native, readStructure, readText, structureBytes } from "../native/native.ts";
import { NativeMemory } from "../native/memory.ts";
import type { Pointer } from "../pointer.ts";
import type { Libraries } from "./candidates.ts";

export type Device = {
  readonly pointer: Pointer<"ggml_backend_device">;
  /** `CPU`, `CUDA0`. */
  readonly name: string;
  readonly description: string;
  /** `accelerator` is one that helps the CPU, `integrated` a GPU that uses the machine's memory. */
  readonly kind: "cpu" | "gpu" | "integrated" | "accelerator" | "meta";
  /** Its address on the PCI bus, where it has one. */
  readonly id: string | undefined;
  /** As the device says now; for the CPU the machine's, whatever a container may use. */
  readonly memory: { readonly freeBytes: number; readonly totalBytes: number };
};

const KINDS = new Map<number, Device["kind"]>([
  [ggml_backend_dev_type.CPU, "cpu"],
  [ggml_backend_dev_type.GPU, "gpu"],
  [ggml_backend_dev_type.IGPU, "integrated"],
  [ggml_backend_dev_type.ACCEL, "accelerator"],
  [ggml_backend_dev_type.META, "meta"],
]);

export function loadBackends(native: Native, libraries: Libraries): readonly Device[] {
  native.call.ggml_backend_load_all_from_path(libraries.folder);
  if (libraries.gpu !== false && !hasGpu(devicesOf(native)) && libraries.fallbackFolder) {
    native.call.ggml_backend_load_all_from_path(libraries.fallbackFolder);
  }
  return devicesOf(native);
}

export function hasGpu(devices: readonly Device[]): boolean {
  return devices.some(({ kind }) => kind === "gpu" || kind === "integrated");
}

export function devicesOf({ call }: Native): readonly Device[] {
  using memory = new NativeMemory(structureBytes("ggml_backend_dev_props"));
  const devices: Device[] = [];
  for (let index = 0; index < call.ggml_backend_dev_count(); index += 1) {
    const pointer = call.ggml_backend_dev_get(index);
    if (pointer === null) continue;
    call.ggml_backend_dev_get_props(pointer, memory.address);
    const props = readStructure(memory.address, "ggml_backend_dev_props");
    devices.push({
      pointer,
      name: readText(props.name) ?? "",
      description: readText(props.description) ?? "",
      kind: KINDS.get(props.type) ?? "meta",
      id: readText(props.device_id),
      memory: { freeBytes: props.memory_free, totalBytes: props.memory_total },
    });
  }
  return devices;
}
