import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { forkEngine } from "./engine-child.ts";

const IS_LINUX = process.platform === "linux";

/** What glibc was told before the engine began. */
async function tunablesOfAnEngine(): Promise<string | undefined> {
  const child = forkEngine();
  try {
    await once(child, "spawn");
    const environment = await readFile(`/proc/${child.pid}/environ`, "utf8");
    return /^GLIBC_TUNABLES=(.*)$/mu.exec(environment.replaceAll("\0", "\n"))?.[1];
  } finally {
    child.kill("SIGKILL");
  }
}

test("an engine asks for huge pages", { skip: !IS_LINUX }, async () => {
  assert.equal(await tunablesOfAnEngine(), "glibc.malloc.hugetlb=1");
});

test(
  "an engine asks for what its surroundings have asked glibc for",
  { skip: !IS_LINUX },
  async (t) => {
    process.env["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=0";
    t.after(() => delete process.env["GLIBC_TUNABLES"]);
    assert.equal(await tunablesOfAnEngine(), "glibc.malloc.hugetlb=0");
  },
);
