/**
 * What no well-meaning client sends, byte for byte on raw sockets.
 *
 * Two things must hold for each: it gets one answer that says what is wrong, or a defined one, and no model
 * server sees anything that this service would have read differently.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test, type TestContext } from "node:test";
import type { RequestListener } from "node:http";
import { listen } from "@localmodel/service/http/http-server.ts";
import { chat, errorOf, model, startGateway } from "./fixtures/gateway.ts";
import { key, ringOf } from "./fixtures/keys.ts";
import {
  answer,
  json,
  type ScriptedUpstream,
  scriptedUpstream,
} from "./fixtures/scripted-upstream.ts";

async function scene(t: TestContext) {
  const start = async (from: string) => {
    const upstream = await scriptedUpstream(answer(json({ from })));
    t.after(() => upstream.close());
    return upstream;
  };
  const [a, b] = [await start("a"), await start("b")];
  const models = [model("a", { endpoints: [a.url] }), model("b", { endpoints: [b.url] })];
  const gateway = await startGateway(models);
  t.after(() => gateway.close());
  return { ...gateway, a, b };
}

/** Everything the server answers until it ends the connection, or until `enough`. */
async function exchange(
  port: number,
  bytes: string | Buffer,
  enough = /\r\n\r\n/,
): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(bytes);
  let text = "";
  for await (const part of socket) {
    text += String(part);
    if (enough.test(text)) break;
  }
  socket.destroy();
  return text;
}

function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
}

const BODY = '{"model":"a"}';
const HEAD = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const INNER = "POST /v1/completions HTTP/1.1\r\nhost: x\r\n\r\n";

describe("requests of which two servers could see two different ones", () => {
  const shapes: readonly (readonly [name: string, head: string, body: string])[] = [
    [
      "a length and chunks",
      "content-length: 13\r\ntransfer-encoding: chunked\r\n",
      `0\r\n\r\n${INNER}`,
    ],
    ["two lengths", "content-length: 13\r\ncontent-length: 14\r\n", BODY],
    ["one length twice", "content-length: 13\r\ncontent-length: 13\r\n", BODY],
    ["a list of lengths", "content-length: 13, 14\r\n", BODY],
    ["a negative length", "content-length: -1\r\n", BODY],
    ["a length with a sign", "content-length: +13\r\n", BODY],
    ["a length in hexadecimal", "content-length: 0xd\r\n", BODY],
    ["a space before the colon", "content-length : 13\r\n", BODY],
    [
      "a folded header",
      "x-folded: a\r\n transfer-encoding: chunked\r\ncontent-length: 13\r\n",
      BODY,
    ],
    ["an unknown transfer coding", "transfer-encoding: xchunked\r\n", `0\r\n\r\n${INNER}`],
    ["chunks that are not last", "transfer-encoding: chunked, identity\r\n", `0\r\n\r\n${INNER}`],
    [
      "a chunk size that is no number",
      "transfer-encoding: chunked\r\n",
      `g\r\n${BODY}\r\n0\r\n\r\n`,
    ],
    ["a chunk size beyond all bounds", "transfer-encoding: chunked\r\n", "ffffffffffffffffff\r\n"],
    ["a bare line feed in a header", "x-a: b\ncontent-length: 13\r\n", BODY],
    ["a NUL in a header", "x-a: b\0c\r\ncontent-length: 13\r\n", BODY],
  ];
  for (const [name, head, body] of shapes) {
    test(`${name}: a 400, and no model server hears of it`, async (t) => {
      const { port, a } = await scene(t);
      const text = await exchange(port, `${HEAD}${head}\r\n${body}`, /\}\s*$/);
      assert.equal(statusOf(text), 400, text);
      assert.match(text, /"type":"invalid_request_error"/);
      assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1);
      assert.equal(a.requests.length, 0);
    });
  }

  test("chunk extensions mean nothing: the server gets a plain body of a known length", async (t) => {
    const { port, a } = await scene(t);
    const chunks = `d;name="value"\r\n${BODY}\r\n0\r\n\r\n`;
    const text = await exchange(port, `${HEAD}transfer-encoding: chunked\r\n\r\n${chunks}`);
    assert.equal(statusOf(text), 200);
    const [request] = a.requests;
    assert.match(request?.head ?? "", /^content-length: 13$/im);
    assert.doesNotMatch(request?.head ?? "", /transfer-encoding/i);
    assert.equal(request?.body.toString(), BODY);
  });

  test("headers that are too large are a 431", async (t) => {
    const { port } = await scene(t);
    const text = await exchange(port, `${HEAD}x-large: ${"x".repeat(70_000)}\r\n\r\n`, /\}\s*$/);
    assert.equal(statusOf(text), 431);
  });

  test("what is no HTTP at all is a 400", async (t) => {
    const { port } = await scene(t);
    for (const bytes of [
      "\x16\x03\x01\x02\x00\x01\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET\r\n\r\n",
    ]) {
      assert.equal(statusOf(await exchange(port, bytes, /\}\s*$/)), 400);
    }
  });
});

describe("bodies of which two parsers could read two different models", () => {
  const bodies: readonly (readonly [body: string, from: "a" | "b"])[] = [
    ['{"model":"a","model":"b"}', "b"],
    ['{"model":"b","mod\\u0065l":"a"}', "a"],
    ['{"model":"a","messages":[{"model":"b"}]}', "a"],
    ['{"model":"a","__proto__":{"model":"b"}}', "a"],
    ['{"__proto__":{"model":"b"},"model":"a"}', "a"],
    ['{"model":"a","x":"\\",\\"model\\":\\"b\\""}', "a"],
    ['{"model":"\\u0061"}', "a"],
  ];
  for (const [body, from] of bodies) {
    test(`${body} goes where JSON.parse says, as it came`, async (t) => {
      const { url, a, b } = await scene(t);
      assert.equal((JSON.parse(body) as { model: string }).model, from);
      assert.deepEqual(await (await chat(url, body)).json(), { from });
      const seen = (from === "a" ? a : b).requests;
      assert.deepEqual(
        [a.requests.length + b.requests.length, seen[0]?.body.toString()],
        [1, body],
      );
    });
  }

  const refused: readonly (readonly [name: string, body: string | Buffer, status: number])[] = [
    ["invalid UTF-8", Buffer.from('{"model":"a\xff"}', "latin1"), 400],
    ["an overlong encoding", Buffer.from('{"model":"\xc1\xa1"}', "latin1"), 400],
    ["a body that is no JSON", "{'model':'a'}", 400],
    ["a body that ends early", '{"model":"a"', 400],
    ["something after the end", '{"model":"a"}{"model":"b"}', 400],
    ["a list", '["a"]', 400],
    ["a model that is no text", '{"model":{"toString":"a"}}', 400],
    ["nesting without end", `{"model":"a","x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, 400],
    ["a body that is too large", `{"model":"a","x":"${"x".repeat(2_000_000)}"}`, 413],
    ["the name of every object's field", '{"model":"__proto__"}', 404],
    ["the name of every object's method", '{"model":"constructor"}', 404],
    ["a prototype's model", '{"__proto__":{"model":"a"}}', 400],
  ];
  for (const [name, body, status] of refused) {
    test(`${name} is a ${status}, and no model server hears of it`, async (t) => {
      const { url, a, b } = await scene(t);
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      assert.equal(response.status, status);
      assert.equal((await errorOf(response)).type, "invalid_request_error");
      assert.equal(a.requests.length + b.requests.length, 0);
    });
  }
});

describe("paths", () => {
  for (const path of [
    "//v1/models",
    "/v1//models",
    "/v1/../v1/models",
    "/v1/%2e%2e/admin/log",
    "/v1/models/../../admin/log",
    "/v1/models/%2e%2e%2f%2e%2e%2fadmin%2flog",
    "/v1/chat%2fcompletions",
    "/v1/models/%zz",
    "/v1/models/%ff",
    "/v1/models/a%00",
    "/admin/log/",
    "/%61dmin/log",
    "/v1;/models",
    "/healthz/../admin/log",
    "/__proto__",
  ]) {
    test(`${path} leads nowhere: a 4xx, sent to no model server`, async (t) => {
      const { port, a, b } = await scene(t);
      const text = await exchange(port, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`, /\}\s*$/);
      assert.ok([400, 403, 404, 405].includes(statusOf(text)), text);
      assert.match(text, /"error":\{"message":/);
      assert.equal(a.requests.length + b.requests.length, 0);
    });
  }

  test("an address in place of a path is read as the path in it, and goes nowhere else", async (t) => {
    const { port } = await scene(t);
    const text = await exchange(
      port,
      "GET http://evil.example/v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
      /\}\s*$/,
    );
    assert.equal(statusOf(text), 200);
    assert.match(text, /"object":"list"/);
  });

  test("nobody is tunnelled anywhere", async (t) => {
    const { port, a } = await scene(t);
    const target = new URL(a.url).host;
    const text = await exchange(port, `CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n`, /\n$/);
    assert.notEqual(statusOf(text), 200);
    assert.equal(connectionsTo(a), 0);
  });
});

function connectionsTo(upstream: ScriptedUpstream): number {
  return upstream.requests.length + upstream.hangUps();
}

const afterBody: RequestListener = (req, res) => void req.on("end", () => res.end()).resume();

/** The same server with little patience, in front of an app that waits for the body. */
async function impatient(t: TestContext): Promise<number> {
  const server = await listen(afterBody, {
    host: "127.0.0.1",
    port: 0,
    headersTimeoutMs: 200,
    requestTimeoutMs: 400,
  });
  t.after(() => server.close());
  return server.port;
}

describe("heads that mean two things, or ask for too much", () => {
  const inTwo: readonly (readonly [name: string, hosts: string])[] = [
    ["two", "host: x\r\nhost: y\r\n"],
    ["twice the same", "host: x\r\nHOST: x\r\n"],
  ];
  for (const [name, hosts] of inTwo) {
    test(`Host headers: ${name} are a 400`, async (t) => {
      const { port, a } = await scene(t);
      const head = `POST /v1/chat/completions HTTP/1.1\r\n${hosts}content-type: application/json\r\n`;
      const text = await exchange(port, `${head}content-length: 13\r\n\r\n${BODY}`, /\}\s*$/);
      assert.equal(statusOf(text), 400, text);
      assert.match(text, /"message":"The request has 2 Host headers/);
      assert.equal(a.requests.length, 0);
    });
  }

  test("an expectation that nobody knows is a 417 in the usual form", async (t) => {
    const { port, a } = await scene(t);
    const text = await exchange(
      port,
      `${HEAD}expect: the-unexpected\r\ncontent-length: 13\r\n\r\n`,
      /\}\s*$/,
    );
    assert.equal(statusOf(text), 417, text);
    assert.match(text, /"type":"invalid_request_error"/);
    assert.equal(a.requests.length, 0);
  });

  test("who asks before it sends is told to go on, and answered", async (t) => {
    const { port, a } = await scene(t);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`${HEAD}expect: 100-continue\r\ncontent-length: 13\r\n\r\n`);
    let text = "";
    for await (const part of socket) {
      if (text === "") socket.write(BODY);
      text += String(part);
    }
    assert.match(text, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/);
    assert.equal(a.requests[0]?.body.toString(), BODY);
  });

  test("who asks without a key is refused before it sends anything", async (t) => {
    const gateway = await startGateway([model("a")], { keys: ringOf(key("alice")) });
    t.after(() => gateway.close());
    const text = await exchange(
      gateway.port,
      `${HEAD}expect: 100-continue\r\ncontent-length: 13\r\n\r\n`,
      /\}\s*$/,
    );
    assert.equal(statusOf(text), 401, text);
    assert.match(text, /\r\nconnection: close\r\n/i);
    assert.doesNotMatch(text, /100 Continue/);
  });

  test("a body that is announced too large is refused before it is sent", async (t) => {
    const { port } = await scene(t);
    const text = await exchange(
      port,
      `${HEAD}expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n`,
      /\}\s*$/,
    );
    assert.equal(statusOf(text), 413, text);
    assert.doesNotMatch(text, /100 Continue/);
  });
});

describe("clients that take their time", () => {
  for (const [name, bytes] of [
    ["headers", "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-a:"],
    ["a body", `${HEAD}content-length: 13\r\n\r\n{"model"`],
    ["chunks", `${HEAD}transfer-encoding: chunked\r\n\r\n8\r\n{"model"\r\n`],
  ] as const) {
    test(`${name} that do not come in time are a 408`, async (t) => {
      const text = await exchange(await impatient(t), bytes, /\}\s*$/);
      assert.equal(statusOf(text), 408, text);
      assert.match(text, /The request did not arrive in time/);
    });
  }
});

test("a thousand requests that make no sense leave nothing behind", async (t) => {
  const { port, url, requests } = await scene(t);
  const bytes = `${HEAD}content-length: 13\r\ntransfer-encoding: chunked\r\n\r\n${"x".repeat(10_000)}`;
  for (let round = 0; round < 20; round++) {
    const texts = await Promise.all(
      Array.from({ length: 50 }, () => exchange(port, bytes, /\}\s*$/)),
    );
    assert.ok(texts.every((text) => statusOf(text) === 400));
  }
  assert.equal(requests.count, 0);
  assert.equal((await chat(url, BODY)).status, 200);
});
