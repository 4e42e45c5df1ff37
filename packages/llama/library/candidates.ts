/**
 * Where llama.cpp's libraries may be, as node-llama-cpp lays them out: what was built on this machine comes before
 * what its packages bring, for each kind of device.
 */
import { readdirSync, readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import path from "node:path";
import { LLAMA_RELEASE } from "../generated/constants.ts";

export type Gpu = "cuda" | "rocm" | "vulkan" | "metal" | false;

export type Libraries = {
  readonly gpu: Gpu;
  /** The folder that ggml's backends are loaded from. */
  readonly folder: string;
  /** A second folder with backends, for devices that the first one's are not for. */
  readonly fallbackFolder: string | undefined;
  /** In the order in which they are loaded: each needs those before it. */
  readonly paths: readonly string[];
};

type Machine = { readonly platform: NodeJS.Platform; readonly arch: string };

const PLATFORM_NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: "linux",
  darwin: "mac",
  win32: "win",
};
const ARCH_NAMES: Readonly<Record<string, string>> = { arm: "armv7l" };
/** node-llama-cpp's package.json, from where its own packages are found too. */
const MANIFEST = findPackageJSON("node-llama-cpp", import.meta.url) ?? "";
const BUILDS = path.join(path.dirname(MANIFEST), "llama", "localBuilds");
const METADATA = "_nlcBuildMetadata.json";

/**
 * Kinds of device that there may be libraries for here, best first. The CPU's serve every machine. Those for CUDA on arm64 and
 * for ROCm node-llama-cpp does not bring: scripts/gpu-package.sh makes them.
 */
export function gpusOf({ platform, arch }: Machine): readonly Gpu[] {
  if (platform === "darwin") return arch === "arm64" ? ["metal"] : [false];
  const isLinux = platform === "linux";
  if (arch === "x64")
    return isLinux ? ["cuda", "rocm", "vulkan", false] : ["cuda", "vulkan", false];
  return isLinux && arch === "arm64" ? ["cuda", false] : [false];
}

/** All that are here for the device, best first. */
export function candidatesFor(
  gpu: Gpu,
  machine: Machine,
  built: string = BUILDS,
): readonly Libraries[] {
  const platform = PLATFORM_NAMES[machine.platform];
  if (platform === undefined) return [];
  const device = gpu === false ? "" : `-${gpu}`;
  const name = `${platform}-${machine.arch}${device}`;
  const packaged = `${platform}-${ARCH_NAMES[machine.arch] ?? machine.arch}${device}`;
  const folderOf = (suffix: string): string | undefined =>
    packagedFolder(`@node-llama-cpp/${packaged}${suffix}`);
  const folders = [
    // Builds with options have a hash behind their name; which options is their builder's business.
    ...namesIn(built)
      .filter((folder) => folder === name || folder.startsWith(`${name}-`))
      .filter((folder) => namesIn(path.join(built, folder)).includes("buildDone.status"))
      .filter((folder) => gpuIn(path.join(built, folder, "Release")) === gpu)
      .map((folder) => ({ folder: path.join(built, folder, "Release"), extension: undefined })),
    { folder: folderOf(""), extension: gpu === "cuda" ? folderOf("-ext") : undefined },
  ];
  return folders.flatMap(({ folder, extension }) => {
    const paths = folder === undefined ? undefined : librariesIn(folder);
    if (folder === undefined || paths === undefined || releaseOf(folder) !== LLAMA_RELEASE)
      return [];
    const fallback = path.join(extension ?? folder, "fallback");
    const fallbackFolder = namesIn(fallback).length > 0 ? fallback : undefined;
    return [{ gpu, folder, fallbackFolder, paths }];
  });
}

/** Undefined unless the package is there, in the version of node-llama-cpp itself. */
function packagedFolder(name: string): string | undefined {
  try {
    const manifest = findPackageJSON(name, MANIFEST);
    if (manifest === undefined || versionIn(manifest) !== versionIn(MANIFEST)) return undefined;
    const bins = path.join(path.dirname(manifest), "bins");
    const [only] = namesIn(bins);
    return only === undefined ? undefined : path.join(bins, only);
  } catch {
    return undefined;
  }
}

/** `libllama.so`, or with the variant and the release in its name: `libllama.cuda.v0.4.0.so`. */
function librariesIn(folder: string): readonly string[] | undefined {
  const names = namesIn(folder);
  const find = (name: string): string | undefined =>
    names.find((file) => new RegExp(`^(lib)?${name}(\\..+)?\\.(so|dylib|dll)$`).test(file));
  const found = ["ggml-base", "ggml", "llama"].map(find);
  if (!found.every((name) => name !== undefined)) return undefined;
  return found.map((name) => path.join(folder, name));
}

type Metadata = {
  readonly buildOptions?: {
    readonly gpu?: Gpu;
    readonly llamaCpp?: { readonly release?: string };
  };
};

function metadataIn(folder: string): Metadata {
  try {
    return JSON.parse(readFileSync(path.join(folder, METADATA), "utf8")) as Metadata;
  } catch {
    return {};
  }
}

function releaseOf(folder: string): string | undefined {
  return metadataIn(folder).buildOptions?.llamaCpp?.release;
}

function gpuIn(folder: string): Gpu | undefined {
  return metadataIn(folder).buildOptions?.gpu;
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
