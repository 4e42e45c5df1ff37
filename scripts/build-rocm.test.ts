/** The script that builds the library for ROCm: what it asks of the compiler, what it checks, what it says. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { buildWorkshop } from "../test/support/build-workshop.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

/** `compiled`: what the library that is built has machine code for. */
function workshop(folder: TemporaryFolder, compiled: readonly string[]) {
  return buildWorkshop(folder, {
    script: "build-rocm.sh",
    library: "libggml-hip.so",
    contents: compiled.map((device) => `hipv4-amdgcn-amd-amdhsa--${device}`).join(" "),
    programs: { hipconfig: "echo /opt/llvm/bin" },
  });
}

test("machine code is asked for by device, of ROCm's own compiler", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, asked, out } = await workshop(folder, ["gfx90a", "gfx1100"]);
  const { stdout } = await build(out, "gfx90a", "gfx1100");
  assert.equal(stdout.trim(), join(out, "libggml-hip.so"));
  assert.match(await readFile(join(out, "libggml-hip.so"), "utf8"), /^hipv4-/);
  assert.match(await asked(), /-DCMAKE_HIP_COMPILER=\/opt\/llvm\/bin\/clang\+\+ /);
  assert.match(await asked(), /-DCMAKE_HIP_ARCHITECTURES=gfx90a;gfx1100\n/);
  assert.match(await asked(), /--target ggml-hip /);
});

test("a library that lacks machine code for one of them is not handed out", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, out } = await workshop(folder, ["gfx90a", "gfx1100"]);
  await assert.rejects(build(out, "gfx90a", "gfx1030"), /has no machine code for gfx1030/);
  await assert.rejects(build(out, "gfx90"), /has no machine code for gfx90\b/);
  await assert.rejects(readFile(join(out, "libggml-hip.so")), { code: "ENOENT" });
});

test("what is no device is refused before anything is built", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, asked, out } = await workshop(folder, []);
  await assert.rejects(build(out, "1100"), /1100 is no device: write gfx1100/);
  await assert.rejects(build(out, "gfx1100;x"), /is no device/);
  await assert.rejects(build(out), /Say for which devices/);
  await assert.rejects(build(), /Say where to put libggml-hip\.so/);
  await assert.rejects(asked(), { code: "ENOENT" });
});
