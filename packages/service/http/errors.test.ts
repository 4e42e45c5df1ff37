import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import type { ErrorBody } from "@localmodel/openai/dialect.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";
import express from "express";
import { allowOnly, answerErrors, unknownUrl } from "./errors.ts";
import { listen, type HttpServer } from "./http-server.ts";
import { createLogger } from "../log/log.ts";
import { requestId } from "./request-id.ts";

const lines: string[] = [];
const log = createLogger("test", { stream: { write: (line) => lines.push(line) }, format: "json" });

const app = express()
  .use(requestId())
  .post("/echo", (_req, res) => void res.end())
  .all("/echo", allowOnly(["POST"]))
  .get("/full", () => {
    throw queueFull(3);
  })
  .get("/bug", () => {
    throw new Error("secret detail");
  })
  .get("/half", (_req, res) => {
    res.write("half of it");
    throw new Error("broke in the middle");
  })
  .get("/items/:id", (req, res) => void res.json(req.params))
  .use(unknownUrl)
  .use(answerErrors(log));

let server: HttpServer;
before(async () => {
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});
after(() => server.close());

type Answer = { status: number; code: unknown; message: string; retry: string | null };

async function ask(path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(server.url + path, init);
  const body = (await response.json()) as ErrorBody;
  assert.deepEqual(Object.keys(body.error), ["message", "type", "param", "code"]);
  assert.equal(body.request_id, response.headers.get("x-request-id"));
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  const { code, message } = body.error;
  const retry = response.headers.get("x-should-retry");
  return { status: response.status, code, message, retry };
}

describe("what a client sent wrong is a 4xx in OpenAI's form that says not to repeat it", () => {
  const cases: [string, string, RequestInit | undefined, number, RegExp][] = [
    ["a URL that does not exist", "/nowhere?key=secret", undefined, 404, /GET \/nowhere\. /],
    ["a method that does not exist", "/echo", undefined, 405, /Allowed: POST/],
    ["a malformed percent sign", "/items/%E0%A4%A", undefined, 400, /./],
  ];
  for (const [name, path, init, status, message] of cases) {
    test(name, async () => {
      const answer = await ask(path, init);
      assert.equal(answer.status, status);
      assert.match(answer.message, message);
      assert.doesNotMatch(answer.message, /secret/);
      assert.equal(answer.retry, "false");
    });
  }
});

test("an expected failure carries its own status and headers", async () => {
  const response = await fetch(`${server.url}/full`);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("retry-after"), "3");
});

test("an unexpected failure tells the client nothing and the log everything", async () => {
  lines.length = 0;
  const answer = await ask("/bug", { headers: { "x-request-id": "abc" } });
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.message, /secret/);
  const line = JSON.parse(lines.join("")) as { requestId: string; error: { error: string } };
  assert.equal(line.requestId, "abc");
  assert.match(line.error.error, /secret detail\n\s+at /);
});

test("a response that broke in the middle is cut, never ended cleanly", async () => {
  await assert.rejects(fetch(`${server.url}/half`).then((response) => response.text()));
});

describe("request ids", () => {
  test("a client's own id comes back", async () => {
    const response = await fetch(`${server.url}/full`, { headers: { "x-request-id": "my-id_1" } });
    assert.equal(response.headers.get("x-request-id"), "my-id_1");
  });
  for (const id of ["two words", "x".repeat(129), "ü", ""]) {
    test(`"${id.slice(0, 20)}" is replaced`, async () => {
      const response = await fetch(`${server.url}/full`, { headers: { "x-request-id": id } });
      assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9a-f-]{36}$/);
    });
  }
});

describe("what is not HTTP is refused in OpenAI's form", () => {
  const cases: [string, string, number][] = [
    ["garbage", "GARBAGE\r\n\r\n", 400],
    [
      "headers that are too large",
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`,
      431,
    ],
    [
      "two lengths",
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
      400,
    ],
    [
      "a length and chunks",
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
  ];
  for (const [name, request, status] of cases) {
    test(name, async () => {
      const socket = connect(server.port, "127.0.0.1");
      socket.write(request);
      const answer = await text(socket);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as { error: object };
      assert.deepEqual(Object.keys(body.error), ["message", "type", "param", "code"]);
    });
  }
});
