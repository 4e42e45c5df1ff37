/** The script that builds libmtmd, on a small release of its own: what is done once, what is checked, what is said. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { visionShell } from "./vision-shell.ts";

const run = promisify(execFile);
const RELEASE = "b1";
const PINNED = "3.21.1";
const LIBRARY = "node_modules/.cache/libmtmd";

/** What the script needs of a machine beside a compiler and git. */
const TOOLS = ["sh", "sed", "grep", "dirname", "mkdir", "mktemp", "rm", "mv", "tr", "xargs"];

/** A repository as the script finds it, with a library of two files. */
async function repository(folder: TemporaryFolder, installed = PINNED): Promise<string> {
  const root = folder.file("repository");
  const llama = join(root, "node_modules/node-llama-cpp/llama");
  const dependencies = { "node-llama-cpp": PINNED };
  await write(join(root, "packages/llama/package.json"), JSON.stringify({ dependencies }));
  await write(join(dirname(llama), "package.json"), JSON.stringify({ version: installed }));
  await write(join(llama, "llama.cpp.info.json"), JSON.stringify({ tag: RELEASE }));
  await mkdir(join(root, "scripts"));
  const script = join(import.meta.dirname, "build-vision.sh");
  await copyFile(script, join(root, "scripts/build-vision.sh"));
  const source = folder.file("source");
  await write(
    join(source, "tools/mtmd/CMakeLists.txt"),
    "add_library(mtmd\n  one.cpp\n  other.cpp\n  mtmd-helper.cpp\n  )\n",
  );
  const [one, other] = ["int one() { return 1; }\n", "int other() { return 2; }\n"];
  await write(join(source, "tools/mtmd/one.cpp"), one);
  await write(join(source, "tools/mtmd/other.cpp"), other);
  await write(join(source, "tools/mtmd/mtmd-helper.cpp"), "this is no C++\n");
  const git = (...args: string[]) => run("git", ["-C", source, ...args]);
  await git("init", "--quiet");
  await git("add", ".");
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  await git(...author, "commit", "--quiet", "--message", "release");
  await git("bundle", "create", "--quiet", join(llama, "gitRelease.bundle"), "HEAD");
  return root;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** A machine that has these programs and nothing else. */
async function pathWith(folder: TemporaryFolder, more: readonly string[]): Promise<string> {
  const bin = folder.file("bin");
  await mkdir(bin);
  await symlink(process.execPath, join(bin, "node"));
  for (const tool of [...TOOLS, ...more]) {
    const { stdout } = await run("sh", ["-c", `command -v ${tool}`]);
    await symlink(stdout.trim(), join(bin, tool));
  }
  return bin;
}

/** A program that this machine has not. */
async function program(bin: string, name: string, ...lines: readonly string[]): Promise<void> {
  await writeFile(join(bin, name), ["#!/bin/sh", ...lines, ""].join("\n"));
  await chmod(join(bin, name), 0o755);
}

async function compilerHere(): Promise<string> {
  return (await run("sh", ["-c", "command -v g++ || command -v clang++"])).stdout.trim();
}

function build(root: string, PATH = process.env["PATH"]) {
  const environment = { ...process.env, PATH };
  return run("sh", [join(root, "scripts/build-vision.sh")], { env: environment });
}

/** What it says where it gives up: one line. */
async function refusalOf(built: Promise<unknown>): Promise<string> {
  const failed: unknown = await built.then(
    () => new Error("it was built"),
    (error: unknown) => error,
  );
  const { stderr = String(failed) } = failed as { readonly stderr?: string };
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  return stderr.trim();
}

suite("the build of libmtmd", { timeout: 120_000, skip: process.platform === "win32" }, () => {
  test("makes a library of the release's files, once, and leaves nothing else", async () => {
    await using folder = await TemporaryFolder.create();
    const root = await repository(folder);
    const made = (await build(root)).stdout.trim();
    const path = join(root, made);
    assert.ok(made.startsWith(`${LIBRARY}/${RELEASE}-`), made);
    assert.deepEqual(await readdir(dirname(path)), [made.split("/").at(-1)]);
    assert.ok((await readFile(path)).length > 0);
    const { mtimeMs, ino } = await stat(path);
    // No compiler is needed any more, nor git.
    const bare = await pathWith(folder, []);
    assert.equal((await build(root, bare)).stdout.trim(), made);
    const again = await stat(path);
    assert.deepEqual([again.mtimeMs, again.ino], [mtimeMs, ino]);
  });

  test("is refused where another version is installed than the one that is pinned", async () => {
    await using folder = await TemporaryFolder.create();
    const root = await repository(folder, "3.0.0");
    const said = await refusalOf(build(root));
    assert.equal(said, `node-llama-cpp is 3.0.0, but packages/llama wants ${PINNED}: run npm ci`);
  });

  test("says in one line which program is missing", async () => {
    await using folder = await TemporaryFolder.create();
    const root = await repository(folder);
    const bare = await pathWith(folder, []);
    const withoutCompiler = await refusalOf(build(root, bare));
    assert.equal(withoutCompiler, "A C++ compiler is missing: install g++ or clang++");
    await symlink(await compilerHere(), join(bare, "g++"));
    const withoutGit = await refusalOf(build(root, [bare].join(delimiter)));
    assert.equal(withoutGit, "git is missing: llama.cpp's source is in a bundle of git");
  });

  test("takes zig where that is the compiler there is", async () => {
    await using folder = await TemporaryFolder.create();
    const root = await repository(folder);
    const bin = await pathWith(folder, ["git", "as", "ld"]);
    await program(bin, "zig", `[ "$1" = c++ ] && shift && exec ${await compilerHere()} "$@"`);
    const made = (await build(root, bin)).stdout.trim();
    assert.ok((await readFile(join(root, made))).length > 0);
  });

  test("names on Windows what the library uses, and needs a compiler that can", async () => {
    await using folder = await TemporaryFolder.create();
    const root = await repository(folder);
    const bin = await pathWith(folder, ["git", "touch"]);
    await rm(join(bin, "node"));
    const windows = 'case "$2" in process.platform) echo win32 ;; process.arch) echo x64 ;;';
    await program(bin, "node", `${windows} *) exec ${process.execPath} "$@" ;; esac`);
    const bins = "node_modules/@node-llama-cpp/win-x64/bins/win-x64";
    assert.match(await refusalOf(build(root, bin)), /no libraries for win-x64: .*llama/);
    const used = ["llama.v1.dll", "ggml.v1.dll", "ggml-base.dll"].map((name) => `${bins}/${name}`);
    for (const one of [...used, `${bins}/ggml-cpu-x64.dll`]) await write(join(root, one), "");
    await program(bin, "clang++", "exit 1");
    const missing = "A C++ compiler is missing: install g++ (MinGW-w64) or zig";
    assert.equal(await refusalOf(build(root, bin)), missing);
    await program(
      bin,
      "g++",
      'echo "$@" >> calls',
      "while [ $1 != -o ]; do shift; done",
      'touch "$2"',
    );
    const made = (await build(root, bin)).stdout.trim();
    assert.equal(made, `${LIBRARY}/${RELEASE}-win32-x64/mtmd.dll`);
    assert.deepEqual(await readdir(join(root, dirname(made))), ["mtmd.dll"]);
    const calls = (await readFile(join(root, "calls"), "utf8")).trim().split("\n");
    assert.deepEqual(
      calls
        .at(-1)
        ?.split(" ")
        .filter((word) => word.endsWith(".dll")),
      used,
    );
  });

  test("runs on Windows in the shell that Git brings", async () => {
    await using folder = await TemporaryFolder.create();
    const script = folder.file("it's a script.sh");
    await writeFile(script, 'echo "run by $0"\n');
    const { file, arguments: args } = visionShell(script, "win32");
    assert.equal(file, "git");
    assert.equal((await run(file, [...args])).stdout.trim(), `run by ${script}`);
    assert.equal(
      visionShell("C:\\a\\b.sh", "win32").arguments[1],
      "alias.build-vision=!sh 'C:/a/b.sh'",
    );
    assert.deepEqual(visionShell(script, "linux"), { file: "sh", arguments: [script] });
  });
});
