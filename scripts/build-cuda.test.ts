/** The script that builds the CUDA library, with programs that only write down what they are asked: what it asks, what it checks, what it says. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

const run = promisify(execFile);

/** `compiled`: what the library that is built has machine code for. */
async function workshop(folder: TemporaryFolder, compiled: readonly string[]) {
  const root = folder.file("repository");
  const asked = folder.file("asked");
  await write(join(root, "node_modules/node-llama-cpp/llama/gitRelease.bundle"), "a bundle");
  await mkdir(join(root, "scripts"));
  const script = join(root, "scripts/build-cuda.sh");
  await copyFile(join(import.meta.dirname, "build-cuda.sh"), script);
  const elves = compiled.map((name) => `ELF file: ggml-cuda.1.${name}.cubin`).join("\n");
  const programs = {
    git: 'for last; do :; done; mkdir -p "$last"',
    cmake: `echo "cmake $*" >> ${asked}
      case $1 in --build) mkdir -p "$2/bin"; echo library > "$2/bin/libggml-cuda.so" ;; esac`,
    cuobjdump: `echo "${elves}"`,
    ninja: ":",
    nvcc: ":",
  };
  for (const [name, does] of Object.entries(programs)) {
    const path = folder.file(`bin/${name}`);
    await write(path, `#!/bin/sh\n${does}\n`);
    await chmod(path, 0o755);
  }
  const PATH = [folder.file("bin"), process.env["PATH"]].join(delimiter);
  const build = (...args: string[]) =>
    run("sh", [script, ...args], { env: { ...process.env, PATH, TMPDIR: folder.file("") } });
  return { build, asked: () => readFile(asked, "utf8"), out: folder.file("out") };
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
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
