/**
 * What the container of this process may use and has used: memory and CPU time, by its cgroup.
 *
 * Both versions of cgroups are read where a container finds its own, at the top of the mount. Outside a container
 * there is nothing to find, and nothing is said. Node's own figures are not enough: `process.availableMemory`
 * counts pages of mapped files as taken, which are the weights, and `os.availableParallelism` multiplies the quota
 * with the container's weight among others.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { join } from "node:path";

/** Another place of the mount, for tests. */
const CGROUP_VARIABLE = "LOCALMODEL_CGROUP_FOLDER";

type CgroupMemory = {
  readonly limitBytes: number;
  /** The most there ever was; of the present where the kernel does not keep it. */
  readonly peakBytes: number;
  /** What the kernel cannot take back by itself: without pages of files. */
  readonly heldBytes: number;
};

/** Limits as high as this mean none: cgroups v1 has no other word for it. */
const UNLIMITED_BYTES = 2 ** 60;

export class Cgroup {
  readonly #root: string;

  constructor(root: string = process.env[CGROUP_VARIABLE] || "/sys/fs/cgroup") {
    this.#root = root;
  }

  /** Undefined where memory has no limit. */
  memory(): CgroupMemory | undefined {
    const v2 = this.#number("memory.max");
    const limitBytes = v2 ?? this.#number("memory/memory.limit_in_bytes");
    if (limitBytes === undefined || limitBytes >= UNLIMITED_BYTES) return undefined;
    const files = v2 === undefined ? V1_FILES : V2_FILES;
    const usedBytes = this.#number(files.used) ?? 0;
    const fileBytes = this.#field(files.stat, files.fileField) ?? 0;
    return {
      limitBytes,
      peakBytes: this.#number(files.peak) ?? usedBytes,
      heldBytes: Math.max(0, usedBytes - fileBytes),
    };
  }

  /** How many processes the kernel has killed for want of memory, since the container exists. */
  memoryKills(): number {
    return (
      this.#field("memory.events", "oom_kill") ??
      this.#field("memory/memory.oom_control", "oom_kill") ??
      0
    );
  }

  /** CPUs' worth of time; undefined without a quota. */
  cpuQuota(): number | undefined {
    const [quota, period] = this.#read("cpu.max")?.split(/\s+/).map(Number) ?? [];
    const quotaUs = quota ?? this.#number("cpu/cpu.cfs_quota_us");
    const periodUs = period ?? this.#number("cpu/cpu.cfs_period_us");
    if (quotaUs === undefined || periodUs === undefined) return undefined;
    return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : undefined;
  }

  #number(file: string): number | undefined {
    const text = this.#read(file)?.trim();
    return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
  }

  #field(file: string, name: string): number | undefined {
    const line = this.#read(file)
      ?.split("\n")
      .find((it) => it.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  }

  #read(file: string): string | undefined {
    try {
      return readFileSync(join(this.#root, file), "utf8");
    } catch {
      return undefined;
    }
  }
}

const V1_FILES = {
  used: "memory/memory.usage_in_bytes",
  peak: "memory/memory.max_usage_in_bytes",
  stat: "memory/memory.stat",
  fileField: "total_cache",
} as const;
const V2_FILES = {
  used: "memory.current",
  peak: "memory.peak",
  stat: "memory.stat",
  fileField: "file",
} as const;

/** Memory that weights and contexts may take, pages of the weights themselves included. */
export function availableBytes(cgroup: Cgroup = new Cgroup()): number {
  const memory = cgroup.memory();
  if (memory === undefined) return process.availableMemory();
  return Math.max(0, Math.min(freemem(), memory.limitBytes - memory.heldBytes));
}

/** Threads that can run at the same time; more of them would be stopped in the middle of a step. */
export function usableThreads(cgroup: Cgroup = new Cgroup()): number {
  const quota = cgroup.cpuQuota();
  if (quota === undefined) return availableParallelism();
  const allowed = allowedCpus().length || availableParallelism();
  return Math.max(1, Math.min(allowed, Math.floor(quota)));
}

/** CPUs this process may run on, whatever its quota, by their numbers. None where nobody tells. */
export function allowedCpus(): readonly number[] {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
    return list.split(",").flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
  } catch {
    return [];
  }
}
