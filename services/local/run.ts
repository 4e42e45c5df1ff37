/**
 * Local mode as a process: from the command line to the end by Ctrl-C.
 */
import { homedir, totalmem } from "node:os";
import { absolutePath } from "@localmodel/localmodel/documents/file-paths.ts";
import { onShutdown } from "@localmodel/service/process/lifecycle.ts";
import { defaultBudgetBytes } from "./desired/memory-budget.ts";
import { type LocalOptions, startLocal, StartError } from "./local.ts";
import { Screen } from "./screen/screen.ts";
import { killAll } from "./processes/service-process.ts";

type RunOptions = Omit<LocalOptions, "memoryBytes" | "screen"> & {
  /** Absent: what the machine has for them. */
  readonly memoryBytes?: number;
};

export async function run(options: RunOptions): Promise<void> {
  const screen = new Screen(process.stdout);
  quietChildren();
  try {
    const { paths, keysFile } = options;
    const starting = startLocal({
      ...options,
      memoryBytes:
        options.memoryBytes ?? defaultBudgetBytes(totalmem(), process.constrainedMemory()),
      paths: paths.map(absolute),
      ...(keysFile !== undefined && { keysFile: absolute(keysFile) }),
      screen,
    });
    onShutdown(async () => {
      screen.print("Finishing open requests; press Ctrl-C again to stop at once.");
      await (await starting).stop();
    }, killAll);
    await starting;
  } catch (error) {
    killAll();
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(1);
  }
}

/** Their lines are shown among ours, to a person who wants to know what is wrong and no more. */
function quietChildren(): void {
  process.env["LOG_LEVEL"] ??= "warn";
  process.env["LOG_FORMAT"] ??= "pretty";
}

/**
 * npm runs scripts in the folder of package.json, but people mean the folder they are in. A `~` comes here as it is
 * where the shell leaves it alone: in quotes, and after `=`.
 */
function absolute(given: string): string {
  const isScript = process.env["npm_lifecycle_event"] === "start";
  const base = (isScript ? process.env["INIT_CWD"] : undefined) ?? process.cwd();
  return absolutePath(given, { base, home: homedir() });
}
