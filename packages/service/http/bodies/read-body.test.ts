/** Bodies as bytes on a real socket, sent well, badly, or not at all. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import express from "express";
import { createLogger } from "../../log/log.ts";
import { answerErrors } from "../errors.ts";
import { listen } from "../http-server.ts";
import { BodyMemory } from "./body-memory.ts";
import { readBody } from "./read-body.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

const log = createLogger("test", { stream: { write: () => true } });

/** A server that answers with the body's length, as "owner" if the request names none. */
async function scene(t: TestContext, { idleTimeoutMs = 60_000, bodiesMaxBytes = 1_000_000 } = {}) {
  const memory = new BodyMemory(() => bodiesMaxBytes);
  const body = readBody({
    maxBytes: () => 100_000,
    idleTimeoutMs,
    memory,
    ownerOf: (req) => req.get("x-owner") ?? "owner",
  });
  let arrived = 0;
  const app = express()
    .use((_req, _res, next) => {
      arrived += 1;
      next();
    })
    .post("/", body, (req, res) => void res.json({ length: (req.body as Buffer).length }))
    .use(answerErrors(log));
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  const open = async (head: string, bytes: string | Buffer = ""): Promise<Socket> => {
    const socket = connect(server.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
    socket.write(bytes);
    return socket;
  };
  const post = (bytes: Buffer | string, encoding?: string) =>
    fetch(server.url, {
      method: "POST",
      body: bytes,
      headers: { ...(encoding !== undefined && { "content-encoding": encoding }) },
    });
  return { ...server, memory, open, post, arrived: () => arrived };
}

const plain = Buffer.from("text ".repeat(10_000));

for (const [encoding, bytes] of [
  ["gzip", gzipSync(plain)],
  ["GZIP", gzipSync(plain)],
  ["deflate", deflateSync(plain)],
  ["br", brotliCompressSync(plain)],
  ["identity", plain],
] as const) {
  test(`a body in the encoding ${encoding} is unpacked`, async (t) => {
    const { post } = await scene(t);
    assert.deepEqual(await (await post(bytes, encoding)).json(), { length: plain.length });
  });
}

for (const [name, bytes, encoding, status, message] of [
  ["an unknown encoding", "{}", "zip", 415, /'zip'/],
  ["several encodings", gzipSync(gzipSync("{}")), "gzip, gzip", 415, /'gzip, gzip'/],
  ["the name of every object's method", "{}", "constructor", 415, /'constructor'/],
  ["what is no gzip", "{}", "gzip", 400, /not valid gzip/],
  ["half of a gzip", gzipSync(plain).subarray(0, 40), "gzip", 400, /not valid gzip/],
  ["a body that is too large", Buffer.alloc(100_001), undefined, 413, /100000 bytes/],
  ["one that unpacks to too much", gzipSync(Buffer.alloc(100_001)), "gzip", 413, /100000 bytes/],
  ["a packed one that is too large", Buffer.alloc(100_001), "gzip", 413, /100000 bytes/],
] as const) {
  test(`${name} is a ${status}, and leaves nothing behind`, async (t) => {
    const { post, memory } = await scene(t);
    const response = await post(bytes, encoding);
    assert.equal(response.status, status);
    assert.match(await response.text(), message);
    await t.waitFor(() => assert.equal(memory.takenBytes, 0), PATIENCE);
  });
}

test("a request holds what has come of its body, and not what it announces", async (t) => {
  const { open, arrived, memory, post } = await scene(t);
  for (const head of [
    "content-encoding: gzip\r\ncontent-length: 90000",
    "content-encoding: br\r\ntransfer-encoding: chunked",
    "content-length: 90000",
  ]) {
    for (let count = 0; count < 40; count++) await open(head);
  }
  await t.waitFor(() => assert.equal(arrived(), 120), PATIENCE);
  assert.equal(memory.takenBytes, 0);
  assert.equal((await post(plain)).status, 200);
});

test("a thousand pieces of a byte each take the room of a thousand bytes", async (t) => {
  const { open, memory, arrived } = await scene(t);
  await open("transfer-encoding: chunked", "1\r\nx\r\n".repeat(1000));
  await t.waitFor(() => assert.equal(memory.takenBytes, 16_384), PATIENCE);
  assert.equal(arrived(), 1);
});

test("a body of crumbs is refused after some thousand of them, and its connection ends", async (t) => {
  const { open, memory, post } = await scene(t);
  const chunked = "transfer-encoding: chunked";
  for (const head of [chunked, `${chunked}\r\ncontent-encoding: gzip`]) {
    const answer = await text(await open(head, "1\r\n \r\n".repeat(90_000)));
    assert.match(answer, /^HTTP\/1.1 400 [^]*connection: close/i);
    if (head === chunked) assert.match(answer, /"code":"chunks_too_small"/);
  }
  await t.waitFor(() => assert.equal(memory.takenBytes, 0), PATIENCE);
  assert.equal((await post(plain)).status, 200);
});

test("one owner's bodies never take all there is: the next one's still has room", async (t) => {
  const { open, memory, post } = await scene(t, { bodiesMaxBytes: 400_000 });
  const hog = "x-owner: hog\r\ncontent-length: 90000";
  for (let count = 0; count < 2; count++) await open(hog, Buffer.alloc(80_000));
  await t.waitFor(() => assert.equal(memory.takenBytes, 180_000), PATIENCE);
  const refused = await open(`${hog}\r\nconnection: close`, Buffer.alloc(90_000));
  assert.match(
    await text(refused),
    /^HTTP\/1.1 429 [^]*retry-after: 1[^]*"code":"server_overloaded"/,
  );
  assert.equal((await post(Buffer.alloc(90_000))).status, 200);
});

for (const [name, head, bytes] of [
  ["does not begin", "content-encoding: gzip\r\ncontent-length: 100", ""],
  ["stops in the middle", "content-length: 100", "half"],
  [
    "stops in the middle of a gzip",
    "content-encoding: gzip\r\ncontent-length: 9999",
    gzipSync(plain),
  ],
] as const) {
  test(`a body that ${name} is a 408, with which its connection ends`, async (t) => {
    const { open, memory } = await scene(t, { idleTimeoutMs: 50 });
    const answer = await text(await open(head, bytes));
    assert.match(answer, /^HTTP\/1.1 408 [^]*connection: close[^]*"code":"request_timeout"/i);
    await t.waitFor(() => assert.equal(memory.takenBytes, 0), PATIENCE);
  });
}

test("what is slow but does not stop is waited for, longer than a pause may be", async (t) => {
  const { open } = await scene(t, { idleTimeoutMs: 1000 });
  const socket = await open("content-length: 15\r\nconnection: close");
  const answer = text(socket);
  let sent = 0;
  const drip = setInterval(() => {
    socket.write("x");
    sent += 1;
    if (sent === 15) clearInterval(drip);
  }, 100);
  t.after(() => clearInterval(drip));
  assert.match(await answer, /"length":15/);
});
