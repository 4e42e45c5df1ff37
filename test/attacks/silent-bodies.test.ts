import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { attackedApi } from "../support/attacked-api.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const PACKED = ["content-encoding: gzip", "content-length: 1000"];

test("many connections that announce a packed body and send nothing keep nobody out", async (t) => {
  const { ask, open } = await attackedApi(t, { keys: { silent: {}, alice: {} } });
  for (let count = 0; count < 200; count++) await open("silent", PACKED);
  for (const key of ["alice", "silent"]) assert.equal((await ask(key)).status, 200);
});

test("a connection that sends nothing of its body is told so, and closed", async (t) => {
  const config = { bodyIdleTimeoutMs: 100 };
  const { open } = await attackedApi(t, { keys: { silent: {} }, config });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open("silent", PACKED)));
  for (const answer of await Promise.all(sockets.map((socket) => text(socket)))) {
    assert.match(answer, /^HTTP\/1.1 408 [^]*"code":"request_timeout"/);
  }
});

test("a key whose bodies hold all the memory they can get leaves room for the others", async (t) => {
  const config = { bodyMaxBytes: 1_000_000, bodiesMaxBytes: 4_000_000 };
  const { ask, open } = await attackedApi(t, { keys: { greedy: {}, alice: {} }, config });
  const large = { model: "m", messages: [], user: "x".repeat(900_000) };
  // One more each time: those that come together may all be refused, and then hold nothing.
  const hold = async (): Promise<void> => {
    const socket = await open("greedy", ["content-length: 190001"]);
    socket.write(Buffer.alloc(190_000, " "));
    assert.equal((await ask("greedy", large)).status, 429);
  };
  await t.waitFor(hold, PATIENCE);
  for (const body of [undefined, large]) assert.equal((await ask("alice", body)).status, 200);
});
