/**
 * A program compiled from Go modules: a module proxy is reachable where an image registry is not.
 *
 * A folder with go.mod and go.sum pins it and all it is made of; the committed go.sum is checked, so that no
 * checksum database needs to know every module. What has been built is kept under a hash of that folder.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { type Edit, editedSource } from "./go-module.ts";
import { madeFolder } from "./made-folder.ts";
import { CACHE, MODULES } from "./places.ts";

const BUILD_TIMEOUT_MS = 30 * 60_000;

export type Program = {
  /** Its folder among the modules. */
  readonly module: string;
  /** Names of the binaries, and the packages they are made of. */
  readonly binaries: Readonly<Record<string, string>>;
  /** Go variables to set; clients look at a server's version, and Helm at the cluster's. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly tags?: string;
  readonly isC?: boolean;
  /** Compiled is a module's own source, which is not wanted, or does not compile, as a whole. */
  readonly edited?: Edit;
};

export async function buildProgram(program: Program, report: (line: string) => void) {
  const source = join(MODULES, program.module);
  const hash = await contentHash(source, ["**"], [JSON.stringify(program), process.arch]);
  const folder = join(CACHE, "binaries", `${program.module}-${hash}`);
  await madeFolder(folder, async (unfinished) => {
    report(`compiling ${program.module}`);
    await using edited = program.edited && (await editedSource(source, program.edited));
    for (const [name, path] of Object.entries(program.binaries)) {
      const output = join(unfinished, name);
      await mkdir(join(output, ".."), { recursive: true });
      await run("go", ["build", ...flagsOf(program), "-o", output, path], {
        cwd: edited?.path ?? source,
        env: { CGO_ENABLED: program.isC === true ? "1" : "0", GOFLAGS: "-mod=readonly" },
        timeoutMs: BUILD_TIMEOUT_MS,
      });
    }
  });
  return { folder, hash };
}

function flagsOf({ variables = {}, tags }: Program): readonly string[] {
  const settings = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  return [
    "-trimpath",
    "-buildvcs=false",
    ...(tags === undefined ? [] : ["-tags", tags]),
    `-ldflags=${["-s -w", ...settings].join(" ")}`,
  ];
}
