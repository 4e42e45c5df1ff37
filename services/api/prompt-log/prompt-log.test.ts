import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { frame } from "@localmodel/openai/sse.ts";
import { errorOf, model, startGateway } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

type Options = NonNullable<Parameters<typeof startGateway>[1]>;
type LogEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

const HERE: Options = { adminFromLoopback: true };

/** The log of a model server, whose events the test makes. */
async function modelServer(t: TestContext, answer: (res: ServerResponse) => void = opened) {
  const readers = new Set<ServerResponse>();
  const server = createServer((req, res) => {
    assert.equal(req.url, "/admin/log");
    readers.add(res);
    res.once("close", () => readers.delete(res));
    answer(res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  t.after(stop);
  const { port } = server.address() as AddressInfo;
  const tell = (text: string) => {
    for (const res of readers) res.write(text);
  };
  return { url: `http://127.0.0.1:${port}`, readers, tell, stop };
}

function opened(res: ServerResponse): void {
  res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
}

async function gateway(t: TestContext, options: Options, ...models: ReturnType<typeof model>[]) {
  const started = await startGateway(models, options);
  t.after(() => started.close());
  return started;
}

async function read(t: TestContext, url: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const response = await fetch(url, { headers, signal: leaving.signal });
  const events: LogEvent[] = [];
  const ended = (async () => {
    let text = "";
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (text + part).split("\n\n");
      text = frames.pop() ?? "";
      for (const one of frames) {
        const data = one.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) events.push(JSON.parse(data.slice(6)) as LogEvent);
      }
    }
  })().catch(() => {});
  const has = (type: string, count = 1) =>
    t.waitFor(() => assert.equal(events.filter((event) => event.type === type).length, count), {
      interval: 5,
      timeout: 20_000,
    });
  return { response, events, has, ended, leave: () => leaving.abort() };
}

describe("who may read", () => {
  const keys = ringOf(key("root", { admin: true }), key("alice"));

  test("an admin key opens the log, no other key and no address does", async (t) => {
    const { url } = await gateway(t, { ...HERE, keys });
    assert.equal((await fetch(`${url}/admin/log`)).status, 401);
    const refused = await fetch(`${url}/admin/log`, { headers: bearer("alice") });
    assert.equal(refused.status, 403);
    const { type, code } = await errorOf(refused);
    assert.deepEqual([type, code], ["permission_error", "admin_key_required"]);
    const { response } = await read(t, `${url}/admin/log`, bearer("root"));
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  });

  test("without keys this machine may, if the service is told so and nobody stands in between", async (t) => {
    const closed = await gateway(t, {});
    assert.equal((await fetch(`${closed.url}/admin/log`)).status, 403);
    const { url, port } = await gateway(t, HERE);
    for (const headers of [
      { "x-forwarded-for": "10.0.0.1" },
      { forwarded: "for=10.0.0.1" },
      { via: "1.1 proxy" },
      { origin: "http://localhost:3000" },
    ] as Record<string, string>[]) {
      const response = await fetch(`${url}/admin/log`, { headers });
      assert.equal(response.status, 403, JSON.stringify(headers));
    }
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /admin/log HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /^HTTP\/1\.1 403 /);
    assert.equal((await read(t, `${url}/admin/log`)).response.status, 200);
  });

  test("an unknown model is a 404, two at once a 400, and another method a 405", async (t) => {
    const { url } = await gateway(t, HERE, model("a"));
    assert.equal((await fetch(`${url}/admin/log?model=b`)).status, 404);
    assert.equal((await fetch(`${url}/admin/log?model=a&model=b`)).status, 400);
    assert.equal((await fetch(`${url}/admin/log`, { method: "POST" })).status, 405);
  });
});

describe("what is read", () => {
  test("the events of all servers of all models, each of them whole", async (t) => {
    const [one, two] = [await modelServer(t), await modelServer(t)];
    const models = [model("a", { endpoints: [one.url] }), model("b", { endpoints: [two.url] })];
    const { url } = await gateway(t, HERE, ...models);
    const { events, has } = await read(t, `${url}/admin/log`);
    await has("attached", 2);
    const large = frame({ type: "input", text: "x".repeat(3_000_000) });
    one.tell(large.slice(0, 2_000_000));
    two.tell(frame({ type: "output", text: "y" }));
    await has("output");
    one.tell(large.slice(2_000_000));
    await has("input");
    assert.equal(String(events.find(({ type }) => type === "input")?.["text"]).length, 3_000_000);
  });

  test("with a model, only its servers are read, by any of its names", async (t) => {
    const [one, two] = [await modelServer(t), await modelServer(t)];
    const models = [
      model("a", { endpoints: [one.url] }),
      model("org/b", { aliases: ["gpt-4o"], endpoints: [two.url] }),
    ];
    const { url } = await gateway(t, HERE, ...models);
    const { events, has } = await read(t, `${url}/admin/log?model=gpt-4o`);
    await has("attached");
    assert.deepEqual(events, [{ type: "attached", model: "org/b", endpoint: two.url }]);
    assert.equal(one.readers.size, 0);
  });

  test("servers are followed as they come, go and come back", async (t) => {
    const [one, two] = [await modelServer(t), await modelServer(t)];
    const { url, setModels } = await gateway(t, HERE, model("a", { endpoints: [one.url] }));
    const { has } = await read(t, `${url}/admin/log?model=a`);
    await has("attached");
    setModels([model("a", { endpoints: [two.url] })]);
    await has("attached", 2);
    await t.waitFor(() => assert.equal(one.readers.size, 0), PATIENCE);
    for (const reader of two.readers) reader.destroy();
    await has("detached");
    await has("attached", 3);
    two.tell(frame({ type: "output" }));
    await has("output");
  });

  test("a model that does not opt in is told once, with what would change it", async (t) => {
    const body = JSON.stringify({ error: { message: "Set spec.promptLogging to true." } });
    let asked = 0;
    const server = await modelServer(t, (res) => {
      asked += 1;
      res.writeHead(403, { "content-type": "application/json" }).end(body);
    });
    const other = await modelServer(t);
    const models = [model("a", { endpoints: [server.url] })];
    const { url, setModels } = await gateway(t, HERE, ...models);
    const { events, has } = await read(t, `${url}/admin/log`);
    await has("refused");
    setModels([...models, model("b", { endpoints: [other.url] })]);
    await has("attached");
    assert.equal(asked, 1);
    assert.deepEqual(events[0], {
      type: "refused",
      model: "a",
      endpoint: server.url,
      status: 403,
      message: "Set spec.promptLogging to true.",
    });
  });

  test("nobody is read for when the reader has left", async (t) => {
    const server = await modelServer(t);
    const { url } = await gateway(t, HERE, model("a", { endpoints: [server.url] }));
    const { has, leave } = await read(t, `${url}/admin/log`);
    await has("attached");
    assert.equal(server.readers.size, 1);
    leave();
    await t.waitFor(() => assert.equal(server.readers.size, 0), PATIENCE);
  });

  test("a reader that does not read is not read for: what it misses piles up nowhere here", async (t) => {
    let written = 0;
    const piece = frame({ type: "output", text: "x".repeat(100_000) });
    const server = await modelServer(t, (res) => {
      opened(res);
      const more = (): void => {
        do written += piece.length;
        while (written < 400_000_000 && res.write(piece));
      };
      res.on("drain", more);
      more();
    });
    const { port } = await gateway(t, HERE, model("a", { endpoints: [server.url] }));
    const socket = connect(port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.write("GET /admin/log HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let seen = -1;
    // It has come to a stop when two looks agree.
    await t.waitFor(
      () => {
        const before = seen;
        seen = written;
        assert.ok(seen > 0 && seen === before);
      },
      { interval: 500, timeout: 60_000 },
    );
    assert.ok(
      written < 50_000_000,
      `${written} bytes are on their way to somebody who does not read`,
    );
  });

  test("a service that ends lets its readers go", async (t) => {
    const server = await modelServer(t);
    const { url, requests } = await gateway(t, HERE, model("a", { endpoints: [server.url] }));
    const { has, ended } = await read(t, `${url}/admin/log`);
    await has("attached");
    void requests.drain();
    await ended;
  });

  test("readers have a bound", async (t) => {
    const { url } = await gateway(t, HERE);
    for (let i = 0; i < 16; i++) await read(t, `${url}/admin/log`);
    assert.equal((await fetch(`${url}/admin/log`)).status, 429);
  });
});
