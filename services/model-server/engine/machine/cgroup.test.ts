import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { allowedCpus, availableBytes, Cgroup, usableThreads } from "./cgroup.ts";

const MIB = 2 ** 20;

const VERSIONS: Readonly<Record<string, Record<string, string>>> = {
  "version 2": {
    "memory.max": `${100 * MIB}\n`,
    "memory.current": `${60 * MIB}\n`,
    "memory.peak": `${90 * MIB}\n`,
    "memory.stat": `anon 1\nfile ${40 * MIB}\nfile_mapped 7\n`,
    "memory.events": "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n",
    "cpu.max": "150000 100000\n",
  },
  "version 1": {
    "memory/memory.limit_in_bytes": `${100 * MIB}\n`,
    "memory/memory.usage_in_bytes": `${60 * MIB}\n`,
    "memory/memory.max_usage_in_bytes": `${90 * MIB}\n`,
    "memory/memory.stat": `cache 1\ntotal_cache ${40 * MIB}\n`,
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "cpu/cpu.cfs_quota_us": "150000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
  },
};

async function cgroup(folder: TemporaryFolder, files: Record<string, string>): Promise<Cgroup> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(folder.file(name)), { recursive: true });
    await writeFile(folder.file(name), text);
  }
  return new Cgroup(folder.path);
}

for (const [version, files] of Object.entries(VERSIONS)) {
  test(`limits of cgroups ${version} are honoured, and pages of files are not held against it`, async () => {
    await using folder = await TemporaryFolder.create();
    const it = await cgroup(folder, files);
    assert.deepEqual(it.memory(), {
      limitBytes: 100 * MIB,
      peakBytes: 90 * MIB,
      heldBytes: 20 * MIB,
    });
    assert.equal(it.memoryKills(), 2);
    assert.equal(it.cpuQuota(), 1.5);
    assert.equal(availableBytes(it), 80 * MIB);
    assert.equal(usableThreads(it), 1);
  });
}

test("without limits the machine decides", async () => {
  await using folder = await TemporaryFolder.create();
  const unlimited = await cgroup(folder, {
    "memory.max": "max\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
    "cpu.max": "max 100000\n",
    "cpu/cpu.cfs_quota_us": "-1\n",
  });
  for (const it of [unlimited, new Cgroup(folder.file("nothing"))]) {
    assert.equal(it.memory(), undefined);
    assert.equal(it.cpuQuota(), undefined);
    assert.ok(availableBytes(it) > 100 * MIB);
    assert.ok(usableThreads(it) >= 1);
  }
});

test("the CPUs that a process may run on are told by their numbers", () => {
  const told =
    /^Cpus_allowed:\s*(\S+)$/mu.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  const mask = BigInt(`0x${told.replaceAll(",", "")}`);
  const bits = allowedCpus().reduce((sum, cpu) => sum | (1n << BigInt(cpu)), 0n);
  assert.equal(bits, mask);
});
