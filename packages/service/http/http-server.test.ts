import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { listen } from "./http-server.ts";
import { ListenError } from "./listen-error.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const LOOPBACK = { host: "127.0.0.1", port: 0 };

/** A server whose requests stay open until the test ends them. */
async function holding() {
  const open: ServerResponse[] = [];
  const server = await listen((_req, res) => void open.push(res), LOOPBACK);
  return { server, open };
}

test("a taken port is a typed error that names the port and what to do", async (t) => {
  const first = await listen(() => {}, LOOPBACK);
  t.after(() => first.close());
  await assert.rejects(
    listen(() => {}, { host: "127.0.0.1", port: first.port }),
    (error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(error.code, "EADDRINUSE");
      assert.equal(error.port, first.port);
      assert.match(
        error.message,
        new RegExp(`port ${first.port}; stop that program or choose another`),
      );
      return true;
    },
  );
});

test("an address of another machine is explained", async () => {
  await assert.rejects(
    listen(() => {}, { host: "192.0.2.1", port: 0 }),
    /not an address of this machine/,
  );
});

test("a drain answers while a request is open, lets it finish, and accepts no connection after", async (t) => {
  const { server, open } = await holding();
  const answer = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 1), PATIENCE);
  const drained = server.drain(60_000);
  const probe = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 2), PATIENCE);
  open[1]?.end("draining");
  assert.equal(await (await probe).text(), "draining");
  open[0]?.end("whole");
  const response = await answer;
  assert.equal(await response.text(), "whole");
  assert.equal(response.headers.get("connection"), "close");
  await drained;
  await assert.rejects(fetch(server.url));
});

test("a drain does not wait for a kept-alive connection once its answer is out", async (t) => {
  const { server, open } = await holding();
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const ended = new Promise<void>((resolve) => {
    get(server.url, { agent }, (response) => response.resume().on("end", resolve));
  });
  await t.waitFor(() => assert.equal(open.length, 1), PATIENCE);
  open[0]?.write("begun");
  const drained = server.drain(60_000);
  open[0]?.end("and ended");
  await ended;
  await drained;
});

test("a drain answers what still comes on a connection that was promised to be kept open", async (t) => {
  const { server, open } = await holding();
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => (received += text));
  const request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  socket.write(request);
  await t.waitFor(() => assert.equal(open.length, 1), PATIENCE);
  open[0]?.write("begun");
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const drained = server.drain(60_000, undefined, left);
  open[0]?.end("and ended");
  await t.waitFor(() => assert.match(received, /and ended\r\n0\r\n/), PATIENCE);
  // What is done about an answer that is over is done before another request is answered.
  const other = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 2), PATIENCE);
  open[1]?.end("other");
  assert.equal(await (await other).text(), "other");
  socket.write(request);
  await t.waitFor(() => assert.equal(open.length, 3), PATIENCE);
  const ended = once(socket, "end");
  open[2]?.end("next");
  await ended;
  assert.match(received, /connection: close\r\n[^]*next$/i);
  leave();
  await drained;
});

test("at the deadline requests get last words, and whoever has none is cut", async (t) => {
  const { server, open } = await holding();
  const polite = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 1), PATIENCE);
  const silent = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 2), PATIENCE);
  const cut = assert.rejects(silent);
  await server.drain(0, () => void open[0]?.end("last words"));
  assert.equal(await (await polite).text(), "last words");
  await cut;
});

test("a server may be closed twice, and after a drain", async () => {
  const server = await listen((_req, res) => void res.end(), LOOPBACK);
  await server.drain(1000);
  await server.close();
  await server.close();
});

test("headers that never end are refused in time", async () => {
  const server = await listen(() => {}, { ...LOOPBACK, headersTimeoutMs: 10 });
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 /);
  await server.close();
});

test("an open request holds the drain, a connection that never asked anything does not", async (t) => {
  const { server, open } = await holding();
  const answer = fetch(server.url);
  await t.waitFor(() => assert.equal(open.length, 1), PATIENCE);
  const unused = connect(server.port, "127.0.0.1");
  await once(unused, "connect");
  unused.on("error", () => {}); // A reset is as good an end as any.
  const drained = server.drain(60_000);
  open[0]?.end("whole");
  assert.equal(await (await answer).text(), "whole");
  await new Promise((resolve) => unused.once("close", resolve));
  await drained;
});
