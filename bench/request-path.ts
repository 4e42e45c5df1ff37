/**
 * Through which files and functions one streamed chat runs: API service, model server and engine.
 *
 * A measure of how much there is to read, not of speed. A first request loads what is loaded late; the second counts.
 */
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { listen } from "@localmodel/service/http/http-server.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { startGateway, model } from "../services/api/fixtures/gateway.ts";
import { createApp } from "../services/model-server/app.ts";
import { forkEngine } from "../services/model-server/engine/process/engine-child.ts";
import { EngineProcess } from "../services/model-server/engine/process/engine-process.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../test/support/tiny-models.ts";
import { type Called, Coverage } from "./support/coverage.ts";

const ENGINE = fileURLToPath(new URL("support/covered-engine.ts", import.meta.url));

await using folder = await TemporaryFolder.create();
const weightsPath = folder.file("chat.gguf");
await writeTinyChatModel(weightsPath);
const coverageFile = folder.file("coverage.json");
process.env["COVERAGE_FILE"] = coverageFile;

const log = createLogger("request-path", { stream: { write: () => true } });
const config = ServerConfig.parse({
  modelId: "tiny",
  createdSeconds: 0,
  weightsPath,
  engine: { threads: 1, gpuLayers: 0 },
});
const engine = new EngineProcess(config, log, { child: forkEngine(ENGINE) });
while (engine.state.state !== "ready") await pause(20);
const server = await listen(createApp({ engine, config, log }), { host: "127.0.0.1", port: 0 });
const gateway = await startGateway([model("tiny", { endpoints: [server.url] })]);
const coverage = await Coverage.start();

await chat();
await Promise.all([coverage.look(), lookIntoEngine()]);
await chat();
const [http, inEngine] = await Promise.all([coverage.look(), lookIntoEngine()]);
print({ ...http, ...merged(http, inEngine) });

await gateway.close();
await server.close();
await engine.stop();

async function chat(): Promise<void> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "tiny",
      stream: true,
      max_tokens: 8,
      temperature: 0.7,
      seed: 1,
      messages: [{ role: "user", content: "Why is the sky blue?" }],
    }),
  });
  const text = await response.text();
  if (!text.endsWith("data: [DONE]\n\n")) throw new Error(`The stream did not end well: ${text}`);
}

async function lookIntoEngine(): Promise<Called> {
  await rm(coverageFile, { force: true });
  process.kill(engine.processId ?? 0, "SIGUSR2");
  while (!existsSync(coverageFile)) await pause(20);
  return JSON.parse(await readFile(coverageFile, "utf8")) as Called;
}

/** Both processes may run the same file. */
function merged(one: Called, other: Called): Called {
  return Object.fromEntries(
    Object.entries(other).map(([path, names]) => [
      path,
      [...new Set([...(one[path] ?? []), ...names])].toSorted(),
    ]),
  );
}

function print(called: Called): void {
  const files = Object.entries(called).toSorted(([a], [b]) => a.localeCompare(b));
  for (const [path, names] of files) console.log(`${path}: ${names.join(", ")}`);
  const functions = files.reduce((sum, [, names]) => sum + names.length, 0);
  console.log(`\n${files.length} files, ${functions} functions`);
}
