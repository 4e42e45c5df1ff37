/**
 * llama.cpp's own reader of calls, out of the library that node-llama-cpp brings: a small program around it, compiled once for
 * each release.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { candidatesFor } from "@localmodel/llama/library/candidates.ts";
import { checkOutLlama } from "../../../scripts/llama-bindings/llama-sources.ts";

const SOURCE = path.join(import.meta.dirname, "parse.cpp");
const CACHE = path.join(import.meta.dirname, "../../../node_modules/.cache/llama-parser");
const COMPILERS = ["g++", "clang++"];
const OUTPUT_MAX_BYTES = 2 ** 26;

export type Asked = {
  readonly template: string;
  readonly tools: readonly object[];
  /** Whole answers. */
  readonly texts: readonly string[];
};

export type ReadText =
  | { readonly calls: readonly { readonly name: string; readonly arguments: string }[] }
  | { readonly error: string };

/** Why it cannot be built here. */
export function missing(): string | undefined {
  if (compiler() === undefined) return `none of these compilers is here: ${COMPILERS.join(", ")}`;
  return libraries() === undefined ? "node-llama-cpp has no libraries for this machine" : undefined;
}

/** What llama.cpp reads in the answers, for each of `asked` in order. */
export function readByLlama(asked: readonly Asked[]): readonly (readonly ReadText[])[] {
  const input = asked.map((one) => `${JSON.stringify(one)}\n`).join("");
  const output = execFileSync(built(), {
    input,
    encoding: "utf8",
    maxBuffer: OUTPUT_MAX_BYTES,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = output.trimEnd().split("\n");
  return asked.map(({ texts }, at) => {
    const { answers, error } = JSON.parse(lines[at] ?? "{}") as {
      readonly answers?: readonly ReadText[];
      readonly error?: string;
    };
    return answers ?? texts.map(() => ({ error: error ?? "it said nothing" }));
  });
}

function built(): string {
  const { commit, folder: sources } = checkOutLlama();
  const libs = libraries();
  const cxx = compiler();
  if (libs === undefined || cxx === undefined) throw new Error(missing());
  const hash = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const program = path.join(CACHE, `${commit}-${hash}`);
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const includes = ["include", "ggml/include", "common", "vendor"];
  const [library, ...unresolved] =
    process.platform === "darwin"
      ? ["libllama-common.dylib", "-Wl,-undefined,dynamic_lookup"]
      : ["libllama-common.so", "-Wl,--unresolved-symbols=ignore-in-shared-libs"];
  execFileSync(cxx, [
    "-std=c++17",
    ...includes.map((name) => `-I${path.join(sources, name)}`),
    SOURCE,
    path.join(libs, library ?? ""),
    `-Wl,-rpath,${libs}`,
    ...unresolved,
    "-o",
    fresh,
  ]);
  renameSync(fresh, program);
  return program;
}

function libraries(): string | undefined {
  return candidatesFor(false, process)[0]?.folder;
}

function compiler(): string | undefined {
  return COMPILERS.find((name) => spawnSync(name, ["--version"]).status === 0);
}
