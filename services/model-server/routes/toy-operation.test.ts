/** An operation and a dialect that nothing else knows of, on the real engine: see fixtures/toy-operation.ts. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, suite, test } from "node:test";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { listen, type HttpServer } from "@localmodel/service/http/http-server.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../test/support/tiny-models.ts";
import { createApp } from "../app.ts";
import { forkEngine } from "../engine/process/engine-child.ts";
import { EngineProcess } from "../engine/process/engine-process.ts";
import { countWire } from "../fixtures/toy-operation.ts";
import { ENDPOINTS, served } from "./endpoints.ts";

const ENGINE = fileURLToPath(new URL("../fixtures/toy-engine.ts", import.meta.url));

suite("an operation that is added by its own code alone", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let engine: EngineProcess;
  let server: HttpServer;
  const metrics = new MetricRegistry();
  const log = createLogger("test", { stream: { write: () => true } });

  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = folder.file("chat.gguf");
    await writeTinyChatModel(weightsPath);
    const config = ServerConfig.parse({
      modelId: "tiny",
      createdSeconds: 0,
      weightsPath,
      promptLogging: true,
      engine: { threads: 1, gpuLayers: 0 },
    });
    engine = new EngineProcess(config, log, { child: forkEngine(ENGINE) });
    const loaded = Promise.withResolvers<void>();
    engine.onState(({ state }) => {
      if (state === "ready") loaded.resolve();
      else if (state === "failed") loaded.reject(new Error("The tiny model does not load."));
    });
    await loaded.promise;
    const endpoints = [...ENDPOINTS, served(countWire)];
    server = await listen(createApp({ engine, config, log, metrics, endpoints }), {
      host: "127.0.0.1",
      port: 0,
    });
  });
  after(async () => {
    await server.close();
    await engine.stop();
    await folder[Symbol.asyncDispose]();
  });

  const post = (body: object) =>
    fetch(`${server.url}/toy/count`, {
      method: "POST",
      headers: { "content-type": "application/json", te: "trailers" },
      body: JSON.stringify(body),
    });

  test("is answered in its own form, by the real engine", async () => {
    const response = await post({ llm: "tiny", words: "one two three" });
    const { count } = (await response.json()) as { count: number };
    assert.equal(response.status, 200);
    assert.ok(count >= 3, String(count));
  });

  test("streams several frames for an event, with its own names and its own end", async () => {
    const response = await post({ words: "one two three", live: true });
    const names = (await response.text()).match(/^event: \w+/gmu);
    assert.deepEqual(names, ["event: ready", "event: count", "event: bye"]);
  });

  test("fails in its own words", async () => {
    const wrong = await post({ words: 1 });
    assert.deepEqual([wrong.status, await wrong.json()], [400, { oops: "words must be a text." }]);
    const unknown = await post({ llm: "other", words: "a" });
    assert.equal(unknown.status, 404);
    assert.deepEqual(Object.keys((await unknown.json()) as object), ["oops"]);
    const method = await fetch(`${server.url}/toy/count`);
    assert.deepEqual(Object.keys((await method.json()) as object), ["oops"]);
  });

  test("is measured and logged without being known there", async () => {
    const reader = await fetch(`${server.url}/admin/log`);
    await post({ words: "seen by who reads along" });
    let seen = "";
    for await (const chunk of reader.body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes("llm.count.output")) break;
    }
    assert.match(seen, /"type":"llm\.count\.input".*"prompts":\["seen by who reads along"\]/u);
    const { text } = exposition(metrics);
    assert.match(
      text,
      /gen_ai_server_request_duration_seconds_count\{[^}]*gen_ai_operation_name="count"/u,
    );
    assert.match(text, /gen_ai_client_token_usage_count\{[^}]*gen_ai_operation_name="count"/u);
  });
});
