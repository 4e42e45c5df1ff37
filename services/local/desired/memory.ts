/** Memory that models share: the machine's own, and that of its GPUs. Each is a budget of its own. Pure. */

export type Memory = {
  readonly ramBytes: number;
  /** Of GPUs that have memory of their own, all together. */
  readonly deviceBytes: number;
};

export const NO_MEMORY: Memory = { ramBytes: 0, deviceBytes: 0 };
export const ALL_MEMORY: Memory = { ramBytes: Infinity, deviceBytes: Infinity };

export function plus(a: Memory, b: Memory): Memory {
  return { ramBytes: a.ramBytes + b.ramBytes, deviceBytes: a.deviceBytes + b.deviceBytes };
}

export function minus(a: Memory, b: Memory): Memory {
  return { ramBytes: a.ramBytes - b.ramBytes, deviceBytes: a.deviceBytes - b.deviceBytes };
}

/** The less of either kind. */
export function lesser(a: Memory, b: Memory): Memory {
  return {
    ramBytes: Math.min(a.ramBytes, b.ramBytes),
    deviceBytes: Math.min(a.deviceBytes, b.deviceBytes),
  };
}

export function fitsIn(needed: Memory, room: Memory): boolean {
  return needed.ramBytes <= room.ramBytes && needed.deviceBytes <= room.deviceBytes;
}
