import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compileCacheFolder, shareCompileCache } from "./compile-cache.ts";

test("compiled code is kept beside the weights, where only the user writes", () => {
  assert.equal(compileCacheFolder({ LOCALMODEL_CACHE: "/data/models" }), "/data/models/compiled");
  assert.equal(
    compileCacheFolder({ XDG_CACHE_HOME: "/home/a/cache", LOCALMODEL_CACHE: "" }),
    "/home/a/cache/localmodel/compiled",
  );
  assert.equal(compileCacheFolder({}), join(homedir(), ".cache/localmodel/compiled"));
});

test("children inherit the folder, and one that was chosen by hand stays", () => {
  const environment: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: "/nowhere/to/write" };
  shareCompileCache(environment);
  assert.equal(environment["NODE_COMPILE_CACHE"], "/nowhere/to/write");
});
