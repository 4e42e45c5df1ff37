/**
 * Tells who started it which GPUs llama.cpp finds on this machine (packages/localmodel/contracts/machine-devices.ts), and
 * ends: a process that has asked holds memory of each of them.
 */
import type { DevicesMessage } from "@localmodel/localmodel/contracts/machine-devices.ts";
import { shareCompileCache } from "@localmodel/service/process/compile-cache.ts";

shareCompileCache();
const { gpusOf, openLibrary } = await import("./engine/llama/library.ts");

// Nobody is left to be told.
process.once("disconnect", () => process.exit(1));
const library = await openLibrary({}, () => {});
const devices = gpusOf(library).map(({ name, description, kind, memory }) => ({
  name: description === "" ? name : description,
  memoryBytes: memory.totalBytes,
  // Apple's GPUs call themselves such as have memory of their own.
  sharesMemory: kind === "integrated" || library.llama.gpu === "metal",
}));
const message: DevicesMessage = { type: "devices", devices };
process.send?.(message, () => process.exit(0));
