/**
 * The source of a Go module, from the module proxy: the version that a folder's go.mod says, checked against its go.sum.
 */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BuildContext } from "./build-once.ts";
import { run } from "./command.ts";

const TIMEOUT_MS = 300_000;
const Downloaded = z.object({ Dir: z.string() });

export type Edit = {
  readonly module: string;
  /** Files and folders. */
  readonly without: readonly string[];
};

/** A folder that nobody may write to. */
export async function moduleSource(folder: string, module: string): Promise<string> {
  const answer = await run("go", ["mod", "download", "-json", module], {
    cwd: folder,
    env: { GOFLAGS: "-mod=readonly" },
    timeoutMs: TIMEOUT_MS,
  });
  return Downloaded.parse(JSON.parse(answer)).Dir;
}

/** A copy without some of it, in whose place is what the folder has in `instead`. */
export async function editedSource(
  folder: string,
  { module, without }: Edit,
): Promise<BuildContext> {
  const copy = await BuildContext.of(await moduleSource(folder, module));
  await run("chmod", ["-R", "u+w", copy.path]);
  for (const path of without) await rm(copy.file(path), { recursive: true });
  await cp(join(folder, "instead"), copy.path, { recursive: true });
  return copy;
}
