/**
 * OpenAI's client for Go, an old version and a new one, on streams that wait: its older decoder takes every blank line
 * for the end of an event. Here because it takes Go, as all of this suite does.
 */
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { model, startGateway } from "../../services/api/fixtures/gateway.ts";
import { saying, ScriptedEngine } from "../../services/model-server/fixtures/scripted-engine.ts";
import { serve } from "../../services/model-server/fixtures/serve.ts";
import { buildTool } from "../build/binaries.ts";
import { run } from "../build/command.ts";

const KEEP_ALIVE_MS = 20;
const COMMENTS = 3;
const TIMEOUT_MS = 120_000;

/** Passes everything on, and tells when so many comments have passed in one answer. */
async function counting(t: TestContext, url: string, enough: () => void): Promise<string> {
  const proxy = createServer((req, res) => {
    const headers = { "content-type": "application/json" };
    const onward = request(url + req.url, { method: "POST", headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      let comments = 0;
      answer.on("data", (bytes: Buffer) => {
        res.write(bytes);
        comments += bytes.toString().match(/^:/gm)?.length ?? 0;
        if (comments >= COMMENTS) enough();
      });
      answer.on("end", () => res.end());
    });
    req.pipe(onward);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
}

async function readBy(version: string, url: string): Promise<unknown> {
  const client = await buildTool("openai-go", (line) => console.error(line));
  return JSON.parse(await run(client, [version, url], { timeoutMs: TIMEOUT_MS }));
}

for (const version of ["old", "new"]) {
  test(`the ${version} client for Go reads a stream that waits for the engine`, async (t) => {
    const waiting = Promise.withResolvers<void>();
    const engine = new ScriptedEngine(async function* (asked, signal) {
      await waiting.promise;
      yield* saying("Hello", " world")(asked, signal);
    });
    const options = { keepAliveMs: KEEP_ALIVE_MS, config: { modelId: "m" } };
    const { url } = await serve(t, engine, options);
    const read = await readBy(version, await counting(t, url, waiting.resolve));
    assert.deepEqual(read, { text: "Hello world" });
  });

  test(`the ${version} client for Go reads a stream that waits for a model`, async (t) => {
    const server = await serve(t, new ScriptedEngine(), { config: { modelId: "m" } });
    const absent = model("m", { state: "loading" });
    const gateway = await startGateway([absent], {
      keepAliveMs: KEEP_ALIVE_MS,
      loadingTimeoutMs: TIMEOUT_MS,
    });
    t.after(() => gateway.close());
    const present = model("m", { endpoints: [server.url] });
    const url = await counting(t, gateway.url, () => gateway.setModels([present]));
    assert.deepEqual(await readBy(version, url), { text: "Hello world" });
  });
}
