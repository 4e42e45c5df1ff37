/**
 * Programs from PyPI that are too large for everybody who works here: an environment of Python's, made when a suite runs
 * them, from a list of packages that names every one, so that none is looked for.
 */
import { join } from "node:path";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { madeFolder } from "./made-folder.ts";
import { CACHE, PYTHON } from "./places.ts";

const INTERPRETER = process.env["LOCALMODEL_TEST_PYTHON"] ?? "python3";
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** Its interpreter. */
export async function pythonEnvironment(
  name: string,
  report: (line: string) => void,
): Promise<string> {
  const list = join(PYTHON, name, "requirements.txt");
  const version = await run(INTERPRETER, ["--version"]);
  const hash = await contentHash(join(PYTHON, name), ["*.txt"], [version, process.arch]);
  const folder = join(CACHE, "python", `${name}-${hash}`);
  const interpreter = join(folder, "bin/python");
  await madeFolder(folder, async (unfinished) => {
    report(`installing ${name} from PyPI`);
    await run(INTERPRETER, ["-m", "venv", unfinished]);
    const flags = [
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--ignore-requires-python",
    ];
    const pip = ["-m", "pip", "install", ...flags, "--requirement", list];
    await run(join(unfinished, "bin/python"), pip, { timeoutMs: INSTALL_TIMEOUT_MS });
  });
  return interpreter;
}
