/**
 * llama-server and llama-batched-bench from the source that node-llama-cpp carries, on the very libraries that this project
 * runs: what is compared is then the programs, and not two builds of llama.cpp.
 *
 * Only the programs' own sources are compiled (minutes, once); libllama, libggml with its variants for every CPU, and
 * libllama-common are the package's, and libmtmd is this project's.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { checkOutLlama } from "../../scripts/llama-bindings/llama-sources.ts";
import { candidatesFor, type Gpu } from "@localmodel/llama/library/candidates.ts";
import { visionLibrary } from "@localmodel/llama/library/vision-library.ts";

const run = promisify(execFile);
const CACHE = path.join(import.meta.dirname, "..", "..", "node_modules", ".cache", "llama-server");
const VISION_SCRIPT = path.join(import.meta.dirname, "..", "..", "scripts", "build-vision.sh");

type Program = {
  readonly name: string;
  /** In the source's folder, or absolute where they were made in the build's. */
  readonly units: (source: string, build: string) => Promise<readonly string[]>;
};

const LLAMA_SERVER: Program = {
  name: "llama-server",
  units: async (source, build) => [...serverSources(source), await emptyPages(source, build)],
};

const BATCHED_BENCH: Program = {
  name: "llama-batched-bench",
  units: async () =>
    ["main.cpp", "batched-bench.cpp"].map((file) => path.join("tools/batched-bench", file)),
};

type Report = (line: string) => void;

/** Returns the program's path. Needs g++ and git. `gpu`: whose libraries it runs on. */
export function buildLlamaServer(report: Report, gpu: Gpu = false): Promise<string> {
  return buildProgram(LLAMA_SERVER, gpu, report);
}

/** What llama.cpp decodes in the best case, without a server, a sampler or texts. */
export function buildBatchedBench(report: Report, gpu: Gpu = false): Promise<string> {
  return buildProgram(BATCHED_BENCH, gpu, report);
}

async function buildProgram(
  { name, units: unitsOf }: Program,
  gpu: Gpu,
  report: Report,
): Promise<string> {
  const { commit, folder: source } = checkOutLlama();
  const build = path.join(CACHE, gpu === false ? commit : `${commit}-${gpu}`);
  const program = path.join(build, name);
  if (existsSync(program)) return program;
  const [libraries] = candidatesFor(gpu, process);
  if (libraries === undefined) {
    throw new Error(`There are no libraries of llama.cpp here for ${gpu || "CPUs"}: npm ci`);
  }
  mkdirSync(build, { recursive: true });
  linkLibraries(libraries.folder, build);
  const vision = await builtVision();
  const units = await unitsOf(source, build);
  report(`compiling ${units.length} files of ${name}, once`);
  const objects = await compileAll(units, { source, build, report });
  const fresh = `${program}.new`;
  // Backends, of which the machine has some and not others, are loaded and not linked.
  const shared = readdirSync(build).filter((file) =>
    /^lib(?:llama|ggml)(?!-(?:cpu|cuda|vulkan)).*\.so$/.test(file),
  );
  await run("g++", [
    ...objects,
    ...shared.map((file) => path.join(build, file)),
    vision,
    `-Wl,-rpath,$ORIGIN:${path.dirname(vision)}`,
    "-lpthread",
    "-ldl",
    "-o",
    fresh,
  ]);
  renameSync(fresh, program);
  return program;
}

async function builtVision(): Promise<string> {
  await run("sh", [VISION_SCRIPT]);
  const library = visionLibrary();
  if (library === undefined) throw new Error(`${VISION_SCRIPT} has left no library`);
  return library;
}

/** ggml looks for its CPU variants beside the program. */
function linkLibraries(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const link = path.join(to, name);
    if (name.includes(".so") && !existsSync(link)) symlinkSync(path.join(from, name), link);
  }
}

function serverSources(source: string): readonly string[] {
  const list = (folder: string, keep: RegExp): string[] =>
    readdirSync(path.join(source, folder))
      .filter((name) => keep.test(name))
      .map((name) => path.join(folder, name));
  return [
    ...list("tools/server", /^(?:main|server.*)\.cpp$/),
    // The rest of libmtmd is there already.
    ...list("tools/mtmd", /^mtmd-helper.*\.cpp$/),
    "vendor/hash/hash.cpp",
    "vendor/hash/sha1/sha1.c",
    "vendor/hash/sha256/sha256.c",
    "vendor/hash/xxhash/xxhash.c",
  ];
}

/** What the server embeds of its web pages, without any. Returns the file to compile. */
async function emptyPages(source: string, build: string): Promise<string> {
  const embed = path.join(build, "embed");
  const pages = path.join(build, "ui.cpp");
  await run("g++", ["-std=c++17", path.join(source, "tools/ui/embed.cpp"), "-o", embed]);
  await run(embed, [pages, path.join(build, "ui.h")]);
  return pages;
}

type Place = {
  readonly source: string;
  readonly build: string;
  readonly report: Report;
};

async function compileAll(
  units: readonly string[],
  { source, build, report }: Place,
): Promise<readonly string[]> {
  const includes = [
    "include",
    "ggml/include",
    "common",
    "vendor",
    "vendor/hash",
    "src",
    "tools/mtmd",
    "tools/server",
    "",
  ].map((folder) => `-I${path.join(source, folder)}`);
  includes.push(`-I${build}`);
  const flags = ["-O2", "-DNDEBUG", "-DLLAMA_SHARED", "-DGGML_SHARED"];
  const left = units.entries();
  const objects: string[] = [];
  const compileNext = async (): Promise<void> => {
    for (const [index, unit] of left) {
      const name = `${path.relative(build, path.resolve(source, unit)).replaceAll(/[^\w.]+/g, "_")}.o`;
      const object = path.join(build, name);
      objects[index] = object;
      if (existsSync(object)) continue;
      const [compiler, ...dialect] = compilerFor(unit);
      await run(compiler, [
        ...dialect,
        ...flags,
        ...includes,
        "-c",
        path.resolve(source, unit),
        "-o",
        `${object}.new`,
      ]);
      renameSync(`${object}.new`, object);
      report(`compiled ${unit}`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, compileNext));
  return objects;
}

/** C is C, but for one file whose functions the sources expect in a C++ namespace. */
function compilerFor(unit: string): readonly [compiler: string, ...dialect: string[]] {
  const isC = unit.endsWith(".c") && !unit.endsWith("sha1.c");
  return isC ? ["gcc"] : ["g++", "-xc++", "-std=c++17"];
}
