import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { LLAMA_RELEASE } from "../generated/constants.ts";
import { candidatesFor, gpusOf, type Libraries } from "./candidates.ts";
import { chooseLibraries, NoLibrariesError } from "./choose.ts";
import type { ProbeResult } from "./probe.ts";

test("the libraries for the CPU are those that node-llama-cpp chooses", async () => {
  await using llama = await getLlama({
    gpu: false,
    build: "never",
    logLevel: LlamaLogLevel.disabled,
  });
  assert.equal(llama.gpu, false);
  const report = process.report.getReport() as unknown as { readonly sharedObjects: string[] };
  const {
    libraries: { paths },
  } = await chooseLibraries(false);
  assert.equal(paths.length, 3);
  for (const library of paths) assert.ok(report.sharedObjects.includes(library), library);
});

test("without a device that works, the CPU's are chosen", async () => {
  const { libraries, complaints } = await chooseLibraries("auto");
  assert.equal(libraries.paths.length, 3);
  assert.ok([...gpusOf(process), false].includes(libraries.gpu));
  for (const complaint of complaints) assert.ok(complaint.length > 0);
});

test("where there are none for a device, a sentence says where they were looked for", async () => {
  const missing = process.platform === "darwin" ? "cuda" : "metal";
  await assert.rejects(chooseLibraries(missing), (error: Error) => {
    assert.ok(error instanceof NoLibrariesError);
    assert.match(error.message, /for (metal|cuda) work on .*Looked at: nowhere/);
    return true;
  });
});

test("libraries for other platforms are found by node-llama-cpp's names for them", () => {
  const [arm] = candidatesFor(false, { platform: "linux", arch: "arm64" });
  if (arm !== undefined) assert.equal(path.basename(arm.folder), "linux-arm64");
  assert.deepEqual(gpusOf({ platform: "linux", arch: "arm64" }), ["cuda", false]);
  assert.deepEqual(gpusOf({ platform: "linux", arch: "x64" }), ["cuda", "rocm", "vulkan", false]);
  assert.deepEqual(gpusOf({ platform: "win32", arch: "x64" }), ["cuda", "vulkan", false]);
  assert.deepEqual(gpusOf({ platform: "darwin", arch: "arm64" }), ["metal"]);
  assert.deepEqual(candidatesFor(false, { platform: "aix", arch: "x64" }), []);
});

test("what was built on this machine comes before what the packages bring", async () => {
  await using folder = await TemporaryFolder.create();
  const [packaged] = candidatesFor(false, process);
  assert.ok(packaged !== undefined);
  const builds = folder.file("localBuilds");
  const release = path.join(builds, `${process.platform}-${process.arch}-0123abcd`, "Release");
  await mkdir(release, { recursive: true });
  for (const library of packaged.paths) {
    await cp(library, path.join(release, path.basename(library)));
  }
  const look = () => candidatesFor(false, process, builds).map((one) => one.folder);
  await writeFile(path.join(release, "..", "buildDone.status"), "");
  await writeFile(path.join(release, "_nlcBuildMetadata.json"), metadata("v0.0.1"));
  assert.deepEqual(look(), [packaged.folder], "a build of another release is of no use");
  await writeFile(path.join(release, "_nlcBuildMetadata.json"), metadata(LLAMA_RELEASE));
  assert.deepEqual(look(), [release, packaged.folder]);
});

test("of libraries in two folders the loader is asked about both", async () => {
  await using folder = await TemporaryFolder.create();
  const [cpu] = candidatesFor(false, process);
  assert.ok(cpu !== undefined);
  const fallbackFolder = folder.file("fallback");
  await mkdir(fallbackFolder);
  await writeFile(folder.file("libggml-cuda.so"), "");
  await writeFile(path.join(fallbackFolder, "libggml-cuda.so"), "no library".repeat(100));
  const result = await probed({ ...cpu, gpu: "cuda", folder: folder.file(""), fallbackFolder });
  assert.equal(result.found, false);
  assert.ok(new Set(result.complaints).size > 1, result.complaints.join("\n"));
});

test("what the library for ROCm lacks is told, though ggml calls it by another name", async () => {
  await using folder = await TemporaryFolder.create();
  const [cpu] = candidatesFor(false, process);
  assert.ok(cpu !== undefined);
  await writeFile(folder.file("libggml-hip.so"), "no library".repeat(100));
  const result = await probed({ ...cpu, gpu: "rocm", folder: folder.file("") });
  assert.equal(result.found, false);
  assert.match(result.complaints.join("\n"), /invalid ELF header/);
});

async function probed(libraries: Libraries): Promise<ProbeResult> {
  const child = fork(path.join(import.meta.dirname, "probe.ts"), { execArgv: [] });
  child.send(libraries);
  const [result] = (await once(child, "message")) as [ProbeResult];
  return result;
}

function metadata(release: string): string {
  return JSON.stringify({ buildOptions: { gpu: false, llamaCpp: { release } } });
}
