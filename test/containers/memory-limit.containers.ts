/**
 * A model server with exactly the memory that the operator would give its pod, and bodies as large as can be: they are
 * refused, and the kernel kills nothing.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { bodyMaxBytes } from "@localmodel/localmodel/contracts/body-limits.ts";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { ServerConfigInput } from "@localmodel/localmodel/contracts/server-config.ts";
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { Network, type StartedNetwork, type StartedTestContainer } from "testcontainers";
import { inspectionOf } from "../../packages/weights/gguf/inspection-of.ts";
import { run } from "../build/command.ts";
import { post } from "../support/raw-request.ts";
import { smollm2Path } from "../support/smollm2.ts";
import { startContainer } from "./harness/container.ts";
import { buildImages } from "./harness/images.ts";

const PORT = 8080;
const WEIGHTS = "/models/smollm2.gguf";
const ENGINE = { slots: 4, contextTokens: 2048, threads: 1 };
const AT_ONCE = 6;
/** The kernel counts in pages, of up to 64 KiB. */
const PAGE_BYTES = 65_536;

function chat(bytes: number, messages: number): string {
  const content = "word ".repeat(bytes / messages / 5);
  const all = Array.from({ length: messages }, () => ({ role: "user", content }));
  return JSON.stringify({ messages: all, max_tokens: 1 });
}

suite("a model server with the memory of its pod", () => {
  let network: StartedNetwork;
  let server: StartedTestContainer;
  let memoryBytes: number;

  before(async () => {
    process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
    const { "model-server": image } = await buildImages((line) => console.error(line));
    const weights = await smollm2Path();
    const inspected = await inspectWeights({ file: { path: weights } });
    const memory = estimateMemory(inspectionOf(inspected, { bytes: 0 }), EngineSpec.parse(ENGINE));
    memoryBytes = memory.totalBytes;
    const config: ServerConfigInput = {
      modelId: "smollm2",
      createdSeconds: 1_700_000_000,
      weightsPath: WEIGHTS,
      engine: ENGINE,
      host: "0.0.0.0",
      port: PORT,
    };
    network = await new Network().start();
    server = await startContainer({
      name: "model",
      image,
      network,
      scene: "memory-limit",
      environment: { MODEL_SERVER_CONFIG: JSON.stringify(config) },
      mounts: [{ source: weights, target: WEIGHTS }],
      memoryBytes,
      ports: [PORT],
      readyPath: "/readyz",
    });
  });

  after(async () => {
    await server?.stop();
    await network?.stop();
  });

  const url = () => `http://${server.getHost()}:${server.getMappedPort(PORT)}`;

  async function send(body: Buffer, encoding?: string): Promise<number> {
    const headers = encoding === undefined ? {} : { "content-encoding": encoding };
    const answer = await post(`${url()}/v1/chat/completions`, body, { headers });
    await text(answer.body);
    return answer.status;
  }

  /** What the kernel counts for the container, by either version of its control groups. */
  async function counted(...files: readonly string[]): Promise<string> {
    const paths = files.map((file) => `/sys/fs/cgroup/${file}`).join(" ");
    return (await server.exec(["sh", "-c", `cat ${paths} 2>/dev/null`])).output;
  }

  const largest = bodyMaxBytes(ENGINE.contextTokens) - 1000;
  for (const [name, body, allowed] of [
    ["30 MB in one message", chat(30_000_000, 1), [413, 429]],
    ["30 MB in 16,384 messages", chat(30_000_000, 16_384), [413, 429]],
    ["as much as a body may have", chat(largest, 1), [400, 429]],
  ] as const) {
    test(`refuses ${AT_ONCE} bodies at once of ${name}, packed or not, and goes on`, async () => {
      const plain = Buffer.from(body);
      for (const [bytes, encoding] of [[gzipSync(plain), "gzip"], [plain]] as const) {
        const all = Array.from({ length: AT_ONCE }, () => send(bytes, encoding));
        for (const status of await Promise.all(all)) {
          assert.ok((allowed as readonly number[]).includes(status), `answered ${status}`);
        }
      }
      assert.match(await counted("memory.events", "memory/memory.oom_control"), /^oom_kill 0$/m);
      assert.equal(await send(Buffer.from(chat(10, 1))), 200);
    });
  }

  test("really has no more, and has never been restarted", async () => {
    const limit = await counted("memory.max", "memory/memory.limit_in_bytes");
    assert.ok(
      Math.abs(Number(limit) - memoryBytes) <= PAGE_BYTES,
      `${limit} is not ${memoryBytes}`,
    );
    const format = "{{.State.OOMKilled}} {{.RestartCount}}";
    const state = await run("docker", ["inspect", "--format", format, server.getId()]);
    assert.equal(state.trim(), "false 0");
  });
});
