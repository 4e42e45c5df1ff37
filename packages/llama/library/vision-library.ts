/**
 * Where libmtmd is, the part of llama.cpp that looks at pictures. node-llama-cpp's packages have only its source; `npm
 * run build:vision` makes the library from it, and puts it here.
 */
import { existsSync } from "node:fs";
import { findPackageJSON } from "node:module";
import path from "node:path";
import { LLAMA_RELEASE } from "../generated/constants.ts";

const MODULES = path.dirname(
  path.dirname(findPackageJSON("node-llama-cpp", import.meta.url) ?? ""),
);
const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libmtmd.so",
  darwin: "libmtmd.dylib",
  win32: "mtmd.dll",
};

/** Undefined where it was not built for this release and machine. */
export function visionLibrary(): string | undefined {
  const name = NAMES[process.platform];
  if (name === undefined) return undefined;
  const folder = `${LLAMA_RELEASE}-${process.platform}-${process.arch}`;
  const file = path.join(MODULES, ".cache", "libmtmd", folder, name);
  return existsSync(file) ? file : undefined;
}
