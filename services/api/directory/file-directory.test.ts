/** Models from a file that somebody edits while the service runs. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createLogger } from "@localmodel/service/log/log.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fileDirectory } from "./file-directory.ts";
import { chat, errorOf, gateway } from "../fixtures/gateway.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";

test("a model is served from the moment its file names it, and gone when it does not", async (t) => {
  await using folder = await TemporaryFolder.create();
  const file = folder.file("models.yaml");
  const { url } = await upstream(t, answer(json({ object: "chat.completion" })));
  await writeFile(file, "models: []");
  using directory = await fileDirectory(file, createLogger("api", { stream: { write: () => {} } }));
  const { url: api } = await gateway(t, [], { directory });
  const ask = () => chat(api, { model: "small", messages: [{ role: "user", content: "Hello" }] });

  assert.equal((await errorOf(await ask())).code, "model_not_found");
  const models = [{ id: "chat", aliases: ["small"], endpoints: [url] }];
  await writeFile(file, JSON.stringify({ models }));
  await t.waitFor(async () => assert.equal((await ask()).status, 200), { timeout: 20_000 });
  const listed = (await (await fetch(`${api}/v1/models`)).json()) as { data: { id: string }[] };
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    ["chat"],
  );
  await writeFile(file, "models: []");
  await t.waitFor(async () => assert.equal((await ask()).status, 404), { timeout: 20_000 });
});

type Listed = { readonly name: string; readonly size?: number; readonly modified_at?: string };

test("what a model is and takes is told as its servers say it, once they do", async (t) => {
  await using folder = await TemporaryFolder.create();
  const file = folder.file("models.yaml");
  const startedMs = Date.now();
  let isReady = false;
  const model = {
    architecture: "llama",
    sizeBytes: 91,
    capabilities: ["chat"],
    memoryBytes: { ram: 100, vram: 20 },
  };
  const server = createServer((_req, res) => {
    const state = isReady
      ? { state: "ready", message: "", model }
      : { state: "loading", message: "", progress: 0 };
    res.statusCode = isReady ? 200 : 503;
    res.end(JSON.stringify(state));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const away = "http://127.0.0.1:1";
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(file, JSON.stringify({ models: [{ id: "a", endpoints: [away, url] }] }));
  using directory = await fileDirectory(file, createLogger("api", { stream: { write: () => {} } }));
  const { url: api } = await gateway(t, [], { directory });
  const listed = async (path: string) =>
    ((await (await fetch(api + path)).json()) as { models: Listed[] }).models[0];
  assert.deepEqual(
    [(await listed("/api/tags"))?.name, (await listed("/api/ps"))?.size],
    ["a", undefined],
  );
  // Of a file that does not say how old a model is, it is as old as it is known.
  const { modified_at: at = "" } = (await listed("/api/tags")) ?? {};
  assert.ok(Date.parse(at) >= startedMs - 1000 && Date.parse(at) <= Date.now(), at);
  isReady = true;
  await t.waitFor(async () => assert.equal((await listed("/api/tags"))?.size, 91), {
    timeout: 20_000,
  });
  assert.equal((await listed("/api/ps"))?.size, 120);
});
