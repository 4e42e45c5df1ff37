/** An engine process that writes what has run in it to the file in COVERAGE_FILE, each time it gets SIGUSR2. */
import { renameSync, writeFileSync } from "node:fs";
import { operationsOf } from "../../services/model-server/engine/operations.ts";
import { runEngine } from "../../services/model-server/engine/run-engine.ts";
import { Coverage } from "./coverage.ts";

const path = process.env["COVERAGE_FILE"] ?? "";
// Before anything is awaited: the message that says what to load is on its way.
runEngine(operationsOf);
const coverage = await Coverage.start();
process.on("SIGUSR2", () => void write());

async function write(): Promise<void> {
  writeFileSync(`${path}.part`, JSON.stringify(await coverage.look()));
  renameSync(`${path}.part`, path);
}
