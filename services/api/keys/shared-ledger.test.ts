/** What replicas do whose Valkey is away. What they do with one is asked of a real one by the container suite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, gateway, model } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";
import { Valkey } from "../valkey/valkey.ts";
import { ownLedger } from "./own-ledger.ts";
import { SharedLedger } from "./shared-ledger.ts";

test("where nobody can be asked, each replica holds a key to its part, and says so once", async (t) => {
  const lines: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void lines.push(message) };
  // Nobody listens there.
  const settings = { host: "127.0.0.1", port: 1, database: 0, prefix: "test" };
  await using valkey = new Valkey({ settings, log: { info: () => {}, warn: () => {} } });
  using ledger = new SharedLedger({ valkey, own: ownLedger({ gateways: () => 2 }), log });
  const server = await upstream(t, answer(json({ ok: true })));
  const keys = ringOf(key("alice", { requestsPerMinute: 4 }));
  const models = [model("a", { endpoints: [server.url] })];
  const { url } = await gateway(t, models, { keys, ledger });
  const statuses: number[] = [];
  for (let asked = 0; asked < 3; asked += 1) {
    const { status } = await chat(url, { model: "a" }, { headers: bearer("alice") });
    statuses.push(status);
  }
  assert.deepEqual(statuses, [200, 200, 429]);
  assert.deepEqual(lines, ["each replica counts for itself what keys use"]);
});
