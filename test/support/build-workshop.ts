/**
 * A repository in which a script of scripts/ builds a library of llama.cpp, with programs that only write down what they are
 * asked: what it asks, what it checks and what it says, without a compiler.
 */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "./documented-commands.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

type Build = {
  /** In scripts/. */
  readonly script: string;
  /** What cmake makes: its name, and one line that is in it. */
  readonly library: string;
  readonly contents: string;
  /** By name: what they do, for a shell. */
  readonly programs: Readonly<Record<string, string>>;
};

export async function buildWorkshop(
  folder: TemporaryFolder,
  { script, library, contents, programs }: Build,
) {
  const root = folder.file("repository");
  const asked = folder.file("asked");
  await write(join(root, "node_modules/node-llama-cpp/llama/gitRelease.bundle"), "a bundle");
  await mkdir(join(root, "scripts"));
  for (const name of [script, "device-library.sh"]) {
    await copyFile(join(REPOSITORY, "scripts", name), join(root, "scripts", name));
  }
  const all = {
    git: 'for last; do :; done; mkdir -p "$last"',
    cmake: `echo "cmake $*" >> ${asked}
      case $1 in --build) mkdir -p "$2/bin"; echo "${contents}" > "$2/bin/${library}" ;; esac`,
    ninja: ":",
    ...programs,
  };
  for (const [name, does] of Object.entries(all)) {
    const path = folder.file(`bin/${name}`);
    await write(path, `#!/bin/sh\n${does}\n`);
    await chmod(path, 0o755);
  }
  const PATH = [folder.file("bin"), process.env["PATH"]].join(delimiter);
  const build = (...args: string[]) =>
    run("sh", [join(root, "scripts", script), ...args], {
      env: { ...process.env, PATH, TMPDIR: folder.file("") },
    });
  return { build, asked: () => readFile(asked, "utf8"), out: folder.file("out") };
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
