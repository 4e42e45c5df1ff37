/** A real model server behind a real API service, and everybody else who finds its port. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  SERVER_KEY_HEADER,
  SERVER_KEY_VARIABLE,
  serverKeyFor,
  serverKeyHash,
} from "@localmodel/localmodel/contracts/server-key.ts";
import { ApiProcess } from "../support/api-process.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SECRET = "of-this-platform";
const SERVER = "team/chat";
const CHAT = { messages: [{ role: "user", content: "hi" }], max_tokens: 2 };
const PATHS = ["/v1/models", "/v1/models/chat", "/admin/log", "/v1/chat/completions"];

suite("the key of a model server", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;

  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("chat.gguf"));
    server = await ModelServer.ready({
      weightsPath: folder.file("chat.gguf"),
      modelId: "chat",
      promptLogging: true,
      keySha256: [serverKeyHash(serverKeyFor(SECRET, SERVER))],
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  function ask(path: string, key?: string): Promise<Response> {
    const headers = {
      "content-type": "application/json",
      "x-localmodel-tenant": "alice",
      ...(key !== undefined && { [SERVER_KEY_HEADER]: key }),
    };
    const body = path.endsWith("completions") ? { method: "POST", body: JSON.stringify(CHAT) } : {};
    return fetch(server.url + path, { headers, ...body });
  }

  test("opens everything, and nothing but probes is open without it", async () => {
    for (const path of PATHS) {
      for (const wrong of [undefined, "", SECRET, serverKeyFor(SECRET, "team/other")]) {
        const refused = await ask(path, wrong);
        assert.equal(refused.status, 403, `${path} with ${wrong}`);
        assert.match(await refused.text(), /"code":"server_key_required"/);
      }
      const answer = await ask(path, serverKeyFor(SECRET, SERVER));
      assert.equal(answer.status, 200, path);
      await answer.body?.cancel();
    }
    for (const path of ["/healthz", "/readyz", "/health"]) {
      assert.equal((await ask(path)).status, 200, path);
    }
  });

  test("is shown by the API service, whatever a client shows it", async () => {
    const endpoints = [server.url];
    const models = [{ id: "chat", endpoints, server: SERVER }];
    const config = { adminFromLoopback: true };
    const environment = { [SERVER_KEY_VARIABLE]: SECRET };
    await using api = await ApiProcess.start({ models, config, environment });
    const headers = { [SERVER_KEY_HEADER]: "a client's" };
    const answer = await api.post("/v1/chat/completions", { ...CHAT, model: "chat" }, { headers });
    assert.equal(answer.status, 200, await answer.text());
    const log = await fetch(`${api.url}/admin/log`);
    let events = "";
    for await (const text of log.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      events += text;
      if (events.includes('"type"')) break;
    }
    assert.match(events, /"type":"attached"/);
    assert.ok(!api.output.includes(serverKeyFor(SECRET, SERVER)));
  });

  test("does not open to an API service of another secret", async () => {
    const models = [{ id: "chat", endpoints: [server.url], server: SERVER }];
    const environment = { [SERVER_KEY_VARIABLE]: "of-another" };
    await using api = await ApiProcess.start({ models, environment });
    const answer = await api.post("/v1/chat/completions", { ...CHAT, model: "chat" });
    // Its refusal is no answer to a client, who can do nothing about it.
    assert.equal(answer.status, 502);
    assert.match(await answer.text(), /does not accept the key of this API service/);
  });
});
