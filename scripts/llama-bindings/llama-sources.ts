/**
 * Files of llama.cpp's source, out of the git bundle that the npm package node-llama-cpp carries.
 *
 * Unpacking the bundle takes seconds, so what was read is kept in node_modules/.cache, by the bundle's commit.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..", "..");
const PACKAGE = path.join(ROOT, "node_modules", "node-llama-cpp", "llama");
const BUNDLE = path.join(PACKAGE, "gitRelease.bundle");
const CACHE = path.join(ROOT, "node_modules", ".cache", "llama-cpp");

export type LlamaRelease = { readonly release: string; readonly commit: string };

export function llamaRelease(): LlamaRelease {
  const info = JSON.parse(readFileSync(path.join(PACKAGE, "llama.cpp.info.json"), "utf8")) as {
    readonly tag: string;
  };
  return { release: info.tag, commit: commitOf(headOf(BUNDLE)) };
}

/** Texts of the files of these paths, in order. */
export function readLlamaSources(paths: readonly string[]): readonly string[] {
  const { commit } = llamaRelease();
  const folder = path.join(CACHE, commit);
  const known = paths.map((file) => textOf(path.join(folder, file)));
  if (known.every((text) => text !== undefined)) return known;
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(path.join(CACHE, "reading-"));
  try {
    const git = (...parts: readonly string[]): string =>
      execFileSync("git", ["-C", fresh, ...parts], {
        encoding: "utf8",
        maxBuffer: 2 ** 26,
        env: ownEnvironment(),
      });
    git("init", "--quiet", "repository");
    git("-C", "repository", "fetch", "--quiet", BUNDLE, "HEAD");
    const texts = paths.map((file) => git("-C", "repository", "show", `FETCH_HEAD:${file}`));
    for (const [index, file] of paths.entries()) {
      const target = path.join(folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      // By rename, so that another process that looks now sees all of it or nothing.
      const whole = path.join(fresh, `file-${index}`);
      writeFileSync(whole, texts[index] ?? "");
      renameSync(whole, target);
    }
    return texts;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** All of it, in a folder that is kept. */
export function checkOutLlama(): LlamaRelease & { readonly folder: string } {
  const release = llamaRelease();
  const folder = path.join(CACHE, `${release.commit}-tree`);
  if (existsSync(folder)) return { ...release, folder };
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(path.join(CACHE, "reading-"));
  execFileSync("git", ["clone", "--quiet", "--depth=1", BUNDLE, fresh], { env: ownEnvironment() });
  renameSync(fresh, folder);
  return { ...release, folder };
}

/** Git tells what it runs, such as hooks, which repository it is in: this project's, and not the one that is made here. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  return Object.fromEntries(kept);
}

/** The commit in the text that a bundle begins with. */
function commitOf(head: string): string {
  const [, commit] = /^([0-9a-f]{40}) HEAD$/m.exec(head) ?? [];
  if (commit === undefined) throw new Error(`${BUNDLE} is no git bundle with a HEAD`);
  return commit;
}

function headOf(file: string): string {
  const opened = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(256);
    return bytes.toString("latin1", 0, readSync(opened, bytes));
  } finally {
    closeSync(opened);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
