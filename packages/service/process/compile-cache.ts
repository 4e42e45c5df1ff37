/**
 * Keeps compiled code between starts, for this process and those it starts.
 *
 * Stripping types and compiling takes a good part of a process's start. Node can keep the result, but its own
 * default is a folder that all users of a machine share; code belongs into one that only this user can write.
 * Where there is none (a read-only file system), starting takes what it takes.
 */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

export function shareCompileCache(environment: NodeJS.ProcessEnv = process.env): void {
  // Inherited by children, which then use it from their first module on.
  environment["NODE_COMPILE_CACHE"] ??= compileCacheFolder(environment);
  enableCompileCache(environment["NODE_COMPILE_CACHE"]);
}

export function compileCacheFolder(environment: NodeJS.ProcessEnv): string {
  const own = environment["LOCALMODEL_CACHE"];
  if (own !== undefined && own !== "") return join(own, "compiled");
  const user = environment["XDG_CACHE_HOME"];
  const root = user !== undefined && user !== "" ? user : join(homedir(), ".cache");
  return join(root, "localmodel", "compiled");
}
