/**
 * `npm start`: serves the LocalModels of this machine until Ctrl-C.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { shareCompileCache } from "@localmodel/service/process/compile-cache.ts";
import { parseCommand, USAGE } from "./arguments.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const DEFAULT_DOCUMENT = path.join(ROOT, "examples/smollm2-135m.yaml");

const command = parseCommand(process.argv.slice(2), process.env);
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
  case "run": {
    const { paths } = command.arguments;
    shareCompileCache();
    const { run } = await import("./run.ts");
    await run({
      ...command.arguments,
      paths: paths.length === 0 ? [DEFAULT_DOCUMENT] : paths,
      // Started as processes, never imported: services share no code.
      apiModule: path.join(ROOT, "services/api/main.ts"),
      serverModule: path.join(ROOT, "services/model-server/main.ts"),
      devicesModule: path.join(ROOT, "services/model-server/devices.ts"),
    });
  }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}
