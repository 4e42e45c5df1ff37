/** Many large bodies at once: refused, and nothing dies. The two processes stay within the memory their pod would have. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { inspectionOf } from "../../packages/weights/gguf/inspection-of.ts";
import { ModelServer } from "../support/model-server.ts";
import { post } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const ENGINE = { slots: 4, contextTokens: 4096 };

/** The most memory that a process has had. */
async function peakBytes(processId: number): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, "utf8");
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** Bodies of so many bytes, compressed to nearly nothing. */
function bodyOf(bytes: number, messages: number): Buffer {
  const content = "word ".repeat(bytes / messages / 5);
  const chat = Array.from({ length: messages }, () => ({ role: "user", content }));
  return gzipSync(JSON.stringify({ messages: chat, max_tokens: 1 }));
}

test("bodies as large as can be, many at a time, end in refusals within the pod's memory", async () => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath, { contextLength: ENGINE.contextTokens });
  await using server = await ModelServer.ready({ weightsPath, engine: ENGINE });
  const engine = await server.enginePid();
  const send = async (body: Buffer) => {
    const headers = { "content-encoding": "gzip" };
    const answer = await post(`${server.url}/v1/chat/completions`, body, { headers });
    await text(answer.body);
    return answer.status;
  };
  const allowed = bodyOf(3_600_000, 16_000);
  for (const body of [allowed, bodyOf(30_000_000, 1), bodyOf(30_000_000, 16_384)]) {
    const statuses = await Promise.all(Array.from({ length: 6 }, () => send(body)));
    const refusals = body === allowed ? [400, 429] : [413, 429];
    for (const status of statuses) assert.ok(refusals.includes(status), `answered ${status}`);
    assert.ok(statuses.includes(refusals[0] ?? 0));
  }
  assert.equal(await server.enginePid(), engine);
  const inspected = await inspectWeights({ file: { path: weightsPath } });
  const { totalBytes } = estimateMemory(
    inspectionOf(inspected, { bytes: 0 }),
    EngineSpec.parse(ENGINE),
  );
  const peak = (await peakBytes(engine)) + (await peakBytes(server.process.pid ?? 0));
  assert.ok(peak <= totalBytes, `${peak} bytes of ${totalBytes}`);
});

test("a context that the machine decides bounds bodies like one that is configured", async () => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath, { contextLength: 512 });
  const engine = { slots: 1 };
  await using server = await ModelServer.ready({ weightsPath, engine, contextFromMemory: true });
  const body = bodyOf(5_000_000, 1);
  const headers = { "content-encoding": "gzip" };
  const answer = await post(`${server.url}/v1/chat/completions`, body, { headers });
  assert.equal(answer.status, 413, await text(answer.body));
});
