/**
 * Where builds are kept: all of them in one folder outside the repository, so that a clean clone finds what an
 * earlier one has built.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../..");
/** A go.mod and a go.sum for each program. */
export const MODULES = join(import.meta.dirname, "modules");

const cacheHome = process.env["XDG_CACHE_HOME"] ?? "";
export const CACHE = join(
  cacheHome === "" ? join(homedir(), ".cache") : cacheHome,
  "localmodel-test",
);
