/** The package with CUDA that is made for a platform without one: out of the CPU's, and found as those that are brought. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, "cuda-package.sh");
const BROUGHT = join(import.meta.dirname, "../node_modules/@node-llama-cpp");

test("libraries for the CPU and the one for CUDA become a package of their own", async () => {
  await using folder = await TemporaryFolder.create();
  const packages = folder.file("packages");
  const made = join(packages, `linux-${process.arch}-cuda`);
  const cpu = `linux-${process.arch}`;
  await cp(join(BROUGHT, cpu), join(packages, cpu), { recursive: true });
  const library = folder.file("libggml-cuda.so");
  await writeFile(library, "a library");
  await run("sh", [SCRIPT, packages, process.arch, library]);

  const bins = join(made, "bins", `${cpu}-cuda`);
  assert.equal(await readFile(join(bins, "libggml-cuda.so"), "utf8"), "a library");
  const manifest = JSON.parse(await readFile(join(made, "package.json"), "utf8")) as object;
  const original = JSON.parse(
    await readFile(join(packages, cpu, "package.json"), "utf8"),
  ) as object;
  assert.deepEqual(manifest, { ...original, name: `@node-llama-cpp/${cpu}-cuda` });
  const metadata = await readFile(join(bins, "_nlcBuildMetadata.json"), "utf8");
  assert.equal(
    (JSON.parse(metadata) as { buildOptions: { gpu: unknown } }).buildOptions.gpu,
    "cuda",
  );
  await assert.rejects(run("sh", [SCRIPT, packages, process.arch, library]), /There is .* already/);
});

test("without a library that has been built it is said how to get one", async () => {
  await using folder = await TemporaryFolder.create();
  const packages = folder.file("packages");
  const cpu = `linux-${process.arch}`;
  await cp(join(BROUGHT, cpu), join(packages, cpu), { recursive: true });
  await assert.rejects(
    run("sh", [SCRIPT, packages, process.arch, folder.file("none.so")]),
    /have it built, by CUDA_CAPABILITIES/,
  );
});
