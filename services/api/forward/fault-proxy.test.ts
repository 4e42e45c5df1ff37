/**
 * A model server whose connection breaks in every way at every byte of its answer, next to one that works.
 * Whatever happens, the client sees exactly one well-formed outcome.
 */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { type Fault, faultProxy } from "../fixtures/fault-proxy.ts";
import { chat, type ErrorAnswer, model, startGateway } from "../fixtures/gateway.ts";

const EVENTS = ['data: {"n":1}\n\n', 'data: {"n":2}\n\n', "data: [DONE]\n\n"];
const STREAM = EVENTS.join("");
const JSON_ANSWER = JSON.stringify({ object: "chat.completion", choices: [{ text: "ünï" }] });

const streaming: RequestListener = (req, res) => {
  res.writeHead(200, { "content-type": "text/event-stream", date: "now" });
  req.resume().on("end", () => {
    for (const one of EVENTS) res.write(one);
    res.end();
  });
};

const whole: RequestListener = (req, res) => {
  const length = Buffer.byteLength(JSON_ANSWER);
  res.writeHead(200, { "content-type": "application/json", "content-length": length, date: "now" });
  req.resume().on("end", () => res.end(JSON_ANSWER));
};

async function serving(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

/** How long the answer is on the wire, and its head. */
async function wireBytes(port: number): Promise<{ head: number; all: number }> {
  const socket = connect(port, "127.0.0.1");
  socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const text = bytes.toString();
    if (text.endsWith("0\r\n\r\n") || text.endsWith("}")) break;
  }
  return { head: bytes.indexOf("\r\n\r\n") + 4, all: bytes.length };
}

type Outcome = { readonly status: number; readonly text: string } | "cut";

/** One request to a gateway that meets the broken endpoint first. */
async function outcomeOf(port: number, fault: Fault, offset: number): Promise<Outcome> {
  const broken = await faultProxy(port, fault, offset);
  const endpoints = [broken.url, `http://127.0.0.1:${port}`];
  const gateway = await startGateway([model("m", { endpoints, slots: 4 })]);
  try {
    const response = await chat(gateway.url, { stream: true });
    const { status } = response;
    return { status, text: await response.text() };
  } catch {
    return "cut";
  } finally {
    assert.equal(gateway.requests.count, 0);
    await gateway.close();
    await broken.close();
  }
}

const AT_ONCE = 16;

async function each(offsets: readonly number[], check: (offset: number) => Promise<void>) {
  for (let index = 0; index < offsets.length; index += AT_ONCE) {
    await Promise.all(offsets.slice(index, index + AT_ONCE).map(check));
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

function assertError(json: string): void {
  const { error } = JSON.parse(json) as ErrorAnswer;
  assert.equal(typeof error.message, "string");
  assert.equal(error.type, "server_error");
}

/** Whole events, each once and in order, then either the regular end or an error. */
function assertStream(text: string, context: string): void {
  if (text === STREAM) return;
  const at = text.lastIndexOf("data: {");
  assert.ok(STREAM.startsWith(text.slice(0, at)), context);
  assert.ok(text.endsWith("\n\n"), context);
  assertError(text.slice(at + "data: ".length));
}

for (const fault of ["reset", "half-close", "garbage"] as const) {
  describe(`after a ${fault}`, () => {
    test("in the head the answer is that of the other server, or one error", async (t) => {
      const port = await serving(t, streaming);
      const { head } = await wireBytes(port);
      await each(range(0, head), async (offset) => {
        const outcome = await outcomeOf(port, fault, offset);
        assert.ok(outcome !== "cut", `at ${offset}`);
        if (outcome.status === 200) return assert.equal(outcome.text, STREAM, `at ${offset}`);
        assert.equal(fault, "garbage");
        assert.equal(outcome.status, 502);
        assertError(outcome.text);
      });
    });

    test("in the stream the client gets whole events once, and an error at the end", async (t) => {
      const port = await serving(t, streaming);
      const { head, all } = await wireBytes(port);
      await each(range(head, all), async (offset) => {
        const outcome = await outcomeOf(port, fault, offset);
        assert.ok(outcome !== "cut", `at ${offset}`);
        assert.equal(outcome.status, 200);
        assertStream(outcome.text, `at ${offset}: ${outcome.text}`);
      });
    });

    test("in a JSON body the answer never passes for a whole one", async (t) => {
      const port = await serving(t, whole);
      const { head, all } = await wireBytes(port);
      await each(range(head, all), async (offset) => {
        const outcome = await outcomeOf(port, fault, offset);
        // Bytes of garbage are bytes: only their number can be checked.
        if (outcome !== "cut" && fault !== "garbage") assert.equal(outcome.text, JSON_ANSWER);
      });
    });
  });
}

/** The default of a second is short on a machine with other work. */
const PATIENCE = { interval: 20, timeout: 30_000 };

test("a server that stalls at any byte is let go of when its client goes", async (t) => {
  const port = await serving(t, streaming);
  const { all } = await wireBytes(port);
  const offsets = range(0, all).filter((offset) => offset % 7 === 0);
  await each(offsets, async (offset) => {
    const stalled = await faultProxy(port, "stall", offset);
    const gateway = await startGateway([model("m", { endpoints: [stalled.url], slots: 1 })]);
    const hangUp = new AbortController();
    const asked = chat(gateway.url, {}, { signal: hangUp.signal }).then((one) => one.text());
    await t.waitFor(() => assert.equal(stalled.open(), 1), PATIENCE);
    hangUp.abort();
    await assert.rejects(asked);
    await t.waitFor(() => {
      assert.deepEqual([stalled.open(), gateway.requests.count], [0, 0]);
    }, PATIENCE);
    await gateway.close();
    await stalled.close();
  });
});
