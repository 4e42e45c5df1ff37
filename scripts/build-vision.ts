/** `npm run build:vision`: runs build-vision.sh, which says what it does, also where the system has no shell for it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { visionShell } from "./vision-shell.ts";

const command = visionShell(join(import.meta.dirname, "build-vision.sh"), process.platform);
const { status, error } = spawnSync(command.file, command.arguments, { stdio: "inherit" });
if (error !== undefined) {
  console.error(`${command.file} is missing: libmtmd, which looks at pictures, is built with it`);
}
process.exitCode = status ?? 1;
