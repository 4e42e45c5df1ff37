/** A part of a folder as a tar stream, for `docker import`. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export function tarOf(folder: string, entry: string): Readable {
  return spawn("tar", ["--create", "--directory", folder, entry], {
    stdio: ["ignore", "pipe", "inherit"],
  }).stdout;
}
