/**
 * `npm start`: serves the LocalModels of this machine until Ctrl-C.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { onShutdown } from "@localmodel/service/lifecycle.ts";
import { type Arguments, parseCommand, USAGE } from "./arguments.ts";
import { startLocal, StartError } from "./local.ts";
import { Screen } from "./screen.ts";
import { killAll } from "./service-process.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const DEFAULT_DOCUMENT = path.join(ROOT, "examples/smollm2-135m.yaml");

const command = parseCommand(process.argv.slice(2));
switch (command.type) {
  case "help":
    process.stdout.write(USAGE);
    break;
  case "version":
    process.stdout.write(`${version()}\n`);
    break;
  case "mistake":
    process.stderr.write(`error: ${command.message}\n\n${USAGE}`);
    process.exitCode = 2;
    break;
  case "run":
    await run(command.arguments);
}

async function run({ paths, host, port }: Arguments): Promise<void> {
  const screen = new Screen(process.stdout);
  quietChildren(screen.isTerminal);
  try {
    const starting = startLocal({
      paths: paths.length === 0 ? [DEFAULT_DOCUMENT] : paths.map(absolute),
      host,
      port,
      // Started as processes, never imported: services share no code.
      apiModule: path.join(ROOT, "services/api/main.ts"),
      serverModule: path.join(ROOT, "services/model-server/main.ts"),
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

/** A person wants to know what is wrong; who wants more asks for it by LOG_LEVEL. */
function quietChildren(isTerminal: boolean): void {
  process.env["LOG_LEVEL"] ??= "warn";
  if (isTerminal) process.env["LOG_FORMAT"] ??= "pretty";
}

/** npm runs scripts in the folder of package.json, but people mean the folder they are in. */
function absolute(given: string): string {
  const isScript = process.env["npm_lifecycle_event"] === "start";
  return path.resolve((isScript ? process.env["INIT_CWD"] : undefined) ?? process.cwd(), given);
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}
