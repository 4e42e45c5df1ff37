/** A package for devices that is made for want of one: out of the CPU's, and found as those that are brought. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, "gpu-package.sh");
const BROUGHT = join(import.meta.dirname, "../node_modules/@node-llama-cpp");
const CPU = `linux-${process.arch}`;

async function packagesIn(folder: TemporaryFolder) {
  const packages = folder.file("packages");
  await cp(join(BROUGHT, CPU), join(packages, CPU), { recursive: true });
  const make = (gpu: string, library: string) =>
    run("sh", [SCRIPT, packages, process.arch, gpu, library]);
  return { packages, make };
}

for (const [gpu, name] of [
  ["cuda", "libggml-cuda.so"],
  ["rocm", "libggml-hip.so"],
] as const) {
  test(`libraries for the CPU and ${name} become a package of their own`, async () => {
    await using folder = await TemporaryFolder.create();
    const { packages, make } = await packagesIn(folder);
    const made = join(packages, `${CPU}-${gpu}`);
    const library = folder.file("built.so");
    await writeFile(library, "a library");
    await make(gpu, library);

    const bins = join(made, "bins", `${CPU}-${gpu}`);
    assert.equal(await readFile(join(bins, name), "utf8"), "a library");
    const manifest = JSON.parse(await readFile(join(made, "package.json"), "utf8")) as object;
    const original = JSON.parse(
      await readFile(join(packages, CPU, "package.json"), "utf8"),
    ) as object;
    assert.deepEqual(manifest, { ...original, name: `@node-llama-cpp/${CPU}-${gpu}` });
    const metadata = await readFile(join(bins, "_nlcBuildMetadata.json"), "utf8");
    assert.equal(
      (JSON.parse(metadata) as { buildOptions: { gpu: unknown } }).buildOptions.gpu,
      gpu,
    );
    await assert.rejects(make(gpu, library), /There is .* already/);
  });
}

test("without a library that has been built it is said how to get one", async () => {
  await using folder = await TemporaryFolder.create();
  const { make } = await packagesIn(folder);
  const none = folder.file("none.so");
  await assert.rejects(make("cuda", none), /for cuda on .*: have it built, by CUDA_CAPABILITIES/);
  await assert.rejects(make("rocm", none), /for rocm on .*: have it built, by ROCM_DEVICES/);
  await assert.rejects(make("sycl", none), /GPU is cuda or rocm, not sycl/);
});
