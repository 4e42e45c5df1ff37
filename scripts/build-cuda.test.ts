/** The script that builds the CUDA library: what it asks of the compiler, what it checks, what it says. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { buildWorkshop } from "../test/support/build-workshop.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

/** `compiled`: what the library that is built has machine code for. */
function workshop(folder: TemporaryFolder, compiled: readonly string[]) {
  const elves = compiled.map((name) => `ELF file: ggml-cuda.1.${name}.cubin`).join("\n");
  return buildWorkshop(folder, {
    script: "build-cuda.sh",
    library: "libggml-cuda.so",
    contents: "library",
    programs: { cuobjdump: `echo "${elves}"`, nvcc: ":" },
  });
}

test("machine code is asked for by capability, and for nothing that a driver would compile", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, asked, out } = await workshop(folder, ["sm_80", "sm_120a"]);
  const { stdout } = await build(out, "80", "120");
  assert.equal(stdout.trim(), join(out, "libggml-cuda.so"));
  assert.equal(await readFile(join(out, "libggml-cuda.so"), "utf8"), "library\n");
  assert.match(await asked(), /-DCMAKE_CUDA_ARCHITECTURES=80-real;120-real\n/);
  assert.match(await asked(), /--target ggml-cuda /);
});

test("without a word it is for all devices that docs/gpu.md names", async () => {
  await using folder = await TemporaryFolder.create();
  const all = ["75", "80", "86", "89", "90", "100", "120"];
  const { build, asked, out } = await workshop(
    folder,
    all.map((one) => `sm_${one}`),
  );
  await build(out);
  const architectures = all.map((one) => `${one}-real`).join(";");
  assert.ok((await asked()).includes(`-DCMAKE_CUDA_ARCHITECTURES=${architectures}\n`));
});

test("a library that lacks machine code for one of them is not handed out", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, out } = await workshop(folder, ["sm_80", "sm_100"]);
  await assert.rejects(build(out, "80", "90", "100"), /has no machine code for 90/);
  await assert.rejects(build(out, "80", "10"), /has no machine code for 10\b/);
  await assert.rejects(readFile(join(out, "libggml-cuda.so")), { code: "ENOENT" });
});

test("what is no capability is refused before anything is built", async () => {
  await using folder = await TemporaryFolder.create();
  const { build, asked, out } = await workshop(folder, []);
  await assert.rejects(build(out, "9.0"), /9\.0 is no compute capability: write 90 for 9\.0/);
  await assert.rejects(build(), /Say where to put libggml-cuda\.so/);
  await assert.rejects(asked(), { code: "ENOENT" });
});
