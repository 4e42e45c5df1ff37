import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { listen } from "./http-server.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

async function holding(t: TestContext) {
  const arrived = Promise.withResolvers<ServerResponse>();
  const server = await listen((_req, res) => arrived.resolve(res), { host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return { socket, arrived: arrived.promise };
}

test("a client that closes its side after its request is answered", PATIENCE, async (t) => {
  const { socket, arrived } = await holding(t);
  socket.end("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const res = await arrived;
  if (!res.req.socket.readableEnded) await once(res.req.socket, "end");
  const read = text(socket);
  res.end("the answer");
  assert.match(
    await read,
    /^(?:HTTP\/1\.1 102 Processing\r\n\r\n)+HTTP\/1\.1 200 OK\r\n[^]*the answer/,
  );
});

test("it is answered in pieces as well, and its connection ends", PATIENCE, async (t) => {
  const { socket, arrived } = await holding(t);
  socket.end("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const res = await arrived;
  if (!res.req.socket.readableEnded) await once(res.req.socket, "end");
  const read = text(socket);
  res.write("one");
  await new Promise(setImmediate);
  res.end("two");
  assert.match(await read, /one\r\n[^]*two\r\n0\r\n/);
});

test("one that closes its side and is gone a moment later has hung up", PATIENCE, async (t) => {
  const { socket, arrived } = await holding(t);
  socket.end("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const res = await arrived;
  socket.destroy();
  await once(res, "close");
  assert.equal(res.writableFinished, false);
});

test("one of HTTP/1.0, which has no interim answers, has hung up", PATIENCE, async (t) => {
  const { socket, arrived } = await holding(t);
  socket.end("GET / HTTP/1.0\r\n\r\n");
  const res = await arrived;
  await once(res, "close");
  assert.equal(res.writableFinished, false);
});

test("one that closes its side in the middle of an answer has hung up", PATIENCE, async (t) => {
  const { socket, arrived } = await holding(t);
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const res = await arrived;
  res.write("one");
  socket.end();
  await once(res, "close");
  assert.equal(res.writableFinished, false);
});
