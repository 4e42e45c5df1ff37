/**
 * Programs in Python that the documentation holds, run where their packages are: test/clients/python/requirements.txt, in the
 * interpreter that LOCALMODEL_TEST_PYTHON names. Whoever has only `python3` runs all other tests.
 */
import { execFile, type ExecFileOptions } from "node:child_process";
import { promisify } from "node:util";

const PYTHON = process.env["LOCALMODEL_TEST_PYTHON"] ?? "python3";
const run = promisify(execFile);

/** What it prints. */
export async function outputOf(program: string, { args = [], ...options }: Options = {}) {
  const flags = ["-W", "ignore", "-c", program, ...args];
  const { stdout } = await run(PYTHON, flags, { ...options, encoding: "utf8" });
  return stdout;
}

type Options = Pick<ExecFileOptions, "cwd" | "env"> & { readonly args?: readonly string[] };

/** Why these programs cannot run here: what they import is not there. Undefined where they can. */
export async function lackOf(...programs: readonly string[]): Promise<string | undefined> {
  const imports = programs.flatMap((program) => program.match(/^(?:import|from) .+$/gm) ?? []);
  const lacks = await run(PYTHON, ["-W", "ignore", "-c", imports.join("\n")]).then(
    () => false,
    () => true,
  );
  return lacks ? `${PYTHON} lacks something of: ${imports.join("; ")}` : undefined;
}
