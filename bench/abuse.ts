/**
 * What cheap requests that are meant to hurt do to everybody else: beside each attack, how late the API service's event
 * loop is, the most memory that each process has, and what one client with another key sees.
 *
 * The product is real: API service, model server, engine, a small model. Attackers and client share its machine, so
 * "nothing" is what the others are compared with.
 */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { ApiProcess } from "../test/support/api-process.ts";
import { ModelServer } from "../test/support/model-server.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../test/support/tiny-models.ts";
import { type Attack, attacksOn } from "./support/attacks.ts";
import { askLoopDelay } from "./support/loop-delay.ts";
import { percentile } from "./support/statistics.ts";
import { printTable, type Row } from "./support/table.ts";

const SLOTS = 4;
const LIMITED_TOKENS_PER_MINUTE = 600;
/** Time for an attack to be under way. */
const LEAD_MS = 1000;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "5" }, only: { type: "string", default: "" } },
});
const seconds = Number(values.seconds);

await using folder = await TemporaryFolder.create();
const weightsPath = folder.file("tiny.gguf");
await writeTinyChatModel(weightsPath);
const keysFile = folder.file("keys.json");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
await writeFile(
  keysFile,
  JSON.stringify({
    keys: [
      { name: "attacker", sha256: sha256("sk-attacker") },
      { name: "limited", sha256: sha256("sk-limited"), tokensPerMinute: LIMITED_TOKENS_PER_MINUTE },
      { name: "client", sha256: sha256("sk-client") },
    ],
  }),
);

await using server = await ModelServer.ready({
  weightsPath,
  engine: { slots: SLOTS, contextTokens: 2048 },
});
const enginePid = await server.enginePid();

/** A fresh one for each attack: what one leaves behind is not the next one's. */
function startApi(): Promise<ApiProcess> {
  return ApiProcess.start({
    models: [{ id: server.modelId, endpoints: [server.url], slots: SLOTS }],
    config: { keysFile },
    preload: fileURLToPath(new URL("support/loop-delay.ts", import.meta.url)),
  });
}

const bearer = (key: string) => ({ authorization: `Bearer sk-${key}` });

/** Since `forgetPeak`; Linux only. */
async function peakMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

async function client(api: ApiProcess, untilMs: number) {
  const times: number[] = [];
  const failed = new Map<number, number>();
  const body = {
    model: server.modelId,
    messages: [{ role: "user", content: "Hi" }],
    max_tokens: 4,
  };
  while (performance.now() < untilMs) {
    const sentMs = performance.now();
    const response = await api.post("/v1/chat/completions", body, { headers: bearer("client") });
    await response.arrayBuffer();
    times.push(performance.now() - sentMs);
    if (!response.ok) failed.set(response.status, (failed.get(response.status) ?? 0) + 1);
  }
  return { times, failed };
}

/** In a thread of its own, so that its work is not the client's. */
function startAttack({ name, key }: Attack, url: string): Worker {
  return new Worker(new URL("support/attack-thread.ts", import.meta.url), {
    workerData: { name, model: server.modelId, url, headers: bearer(key ?? "attacker") },
  });
}

async function measure(attack: Attack): Promise<Row> {
  await using api = await startApi();
  const pids = { api: api.process.pid ?? 0, server: server.process.pid ?? 0, engine: enginePid };
  const { name } = attack;
  const thread = startAttack(attack, api.url);
  await wait(LEAD_MS);
  for (const pid of Object.values(pids)) await forgetPeak(pid);
  await askLoopDelay(api.process);
  const { times, failed } = await client(api, performance.now() + seconds * 1000);
  const loop = await askLoopDelay(api.process);
  await thread.terminate();
  const failures = [...failed].map(([status, count]) => `${count}x ${status}`).join(" ");
  return {
    attack: name,
    "loop p50 ms": loop.p50Ms.toFixed(1),
    "loop p99 ms": loop.p99Ms.toFixed(1),
    "loop max ms": loop.maxMs.toFixed(0),
    "api MiB": await peakMebibytes(pids.api),
    "server MiB": await peakMebibytes(pids.server),
    "engine MiB": await peakMebibytes(pids.engine),
    answers: times.length,
    "client p50 ms": percentile(times, 0.5).toFixed(0),
    "client p99 ms": percentile(times, 0.99).toFixed(0),
    errors: failures === "" ? "none" : failures,
  };
}

const rows: Row[] = [];
for (const attack of attacksOn(server.modelId)) {
  if (attack.name.includes(values.only)) rows.push(await measure(attack));
}
printTable(`What attacks do to others: ${SLOTS} slots, ${seconds} s each`, rows);
