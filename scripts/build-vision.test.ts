/** The script that builds libmtmd, on a small release of its own: what is done once, what is checked, what is said. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";

const run = promisify(execFile);
const RELEASE = "b1";
const PINNED = "3.21.1";
const LIBRARY = "node_modules/.cache/libmtmd";

/** What the script needs of a machine beside a compiler and git. */
const TOOLS = [
  "sh",
  "sed",
  "grep",
  "dirname",
  "mkdir",
  "mktemp",
  "rm",
  "mv",
  "tr",
  "xargs",
  "getconf",
];

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
    const { stdout } = await run("sh", ["-c", "command -v g++ || command -v clang++"]);
    await symlink(stdout.trim(), join(bare, "g++"));
    const withoutGit = await refusalOf(build(root, [bare].join(delimiter)));
    assert.equal(withoutGit, "git is missing: llama.cpp's source is in a bundle of git");
  });
});
