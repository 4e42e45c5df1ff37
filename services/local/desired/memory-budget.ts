/** How much memory all models may take together, as somebody says it or as the machine has it. Pure. */
import { usableDeviceBytes } from "@localmodel/localmodel/contracts/device-memory.ts";
import type { MachineDevice } from "@localmodel/localmodel/contracts/machine-devices.ts";

/** Of what the machine, or the container, has; the rest is for everything else that runs there. */
const SHARE = 0.75;

const FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** "8GB", "8Gi", "7.5 GiB": bytes; undefined for anything else. */
export function parseMemorySize(text: string): number | undefined {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)b?$/i.exec(text.trim()) ?? [];
  const factor = FACTORS[unit.toLowerCase()];
  const bytes = Math.floor(Number(amount) * (factor ?? Number.NaN));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** `limitBytes` is what a container may use; 0 or more than there is where there is no limit. */
export function defaultBudgetBytes(totalBytes: number, limitBytes: number): number {
  const isLimited = limitBytes > 0 && limitBytes < totalBytes;
  return Math.floor(SHARE * (isLimited ? limitBytes : totalBytes));
}

/** Of all GPUs together. One that uses the machine's memory has none of its own. */
export function deviceBudgetBytes(devices: readonly MachineDevice[]): number {
  const own = devices.filter(({ sharesMemory }) => !sharesMemory);
  const usable = own.map(({ memoryBytes }) => Math.max(0, usableDeviceBytes(memoryBytes, 0)));
  return Math.floor(usable.reduce((sum, bytes) => sum + bytes, 0));
}
