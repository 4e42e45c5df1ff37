/**
 * Programs from npm that are too large for everybody who works here: installed when a suite runs them, from a lock file of
 * their own.
 *
 * A folder with package.json and package-lock.json pins them. Nothing of them runs while they are installed.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { madeFolder } from "./made-folder.ts";
import { CACHE, NPM } from "./places.ts";

const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** The folder of their packages. */
export async function installPrograms(
  name: string,
  report: (line: string) => void,
): Promise<string> {
  const source = join(NPM, name);
  const hash = await contentHash(source, ["*.json"], [process.platform, process.arch]);
  const folder = join(CACHE, "npm", `${name}-${hash}`);
  const packages = join(folder, "node_modules");
  await madeFolder(folder, async (unfinished) => {
    report(`installing ${name} from npm`);
    await cp(source, unfinished, { recursive: true });
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["ci", ...flags], { cwd: unfinished, timeoutMs: INSTALL_TIMEOUT_MS });
  });
  return packages;
}
