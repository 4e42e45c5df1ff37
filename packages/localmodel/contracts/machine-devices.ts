/**
 * The GPUs of a machine, as services/model-server/devices.ts tells whoever started it over IPC, once: nobody else can ask
 * llama.cpp.
 */
import { z } from "zod";

const MachineDevice = z.object({
  name: z.string(),
  memoryBytes: z.int().min(0),
  /** Its memory is the machine's own. */
  sharesMemory: z.boolean(),
});
export type MachineDevice = z.infer<typeof MachineDevice>;

export const DevicesMessage = z.object({
  type: z.literal("devices"),
  devices: z.array(MachineDevice),
});
export type DevicesMessage = z.infer<typeof DevicesMessage>;
