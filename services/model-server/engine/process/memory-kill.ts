/**
 * Tells whether the kernel killed the engine for want of memory.
 *
 * The container survives that: only its engine is gone, so Kubernetes does not call it OOMKilled, and restarting
 * the engine over and over would hide what is wrong. The kernel counts its kills.
 */
import { Cgroup } from "../machine/cgroup.ts";

export class MemoryKills {
  readonly #cgroup: Cgroup;
  #seen: number;

  constructor(cgroup: Cgroup = new Cgroup()) {
    this.#cgroup = cgroup;
    this.#seen = cgroup.memoryKills();
  }

  /** What a person should know, if this end of the engine is one more such kill. */
  explain(signal: NodeJS.Signals | null): string | undefined {
    const kills = this.#cgroup.memoryKills();
    const isOne = signal === "SIGKILL" && kills > this.#seen;
    this.#seen = kills;
    if (!isOne) return undefined;
    const memory = this.#cgroup.memory();
    const numbers =
      memory === undefined
        ? ""
        : `: the container may use ${gibibytes(memory.limitBytes)} and has used ${gibibytes(memory.peakBytes)}`;
    return `The kernel killed the engine for want of memory${numbers}. Raise the memory limit, or lower engine.contextTokens or engine.slots`;
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
