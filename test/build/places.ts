/**
 * Where builds are kept: all of them in one folder outside the repository, so that a clean clone finds what an
 * earlier one has built.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../..");
/** A go.mod and a go.sum for each program. */
export const MODULES = join(import.meta.dirname, "modules");
/** A package.json and a package-lock.json for what comes from npm. */
export const NPM = join(import.meta.dirname, "npm");
/** A requirements.txt for what comes from PyPI. */
export const PYTHON = join(import.meta.dirname, "python");

const cacheHome = process.env["XDG_CACHE_HOME"] ?? "";
export const CACHE = join(
  cacheHome === "" ? join(homedir(), ".cache") : cacheHome,
  "localmodel-test",
);
