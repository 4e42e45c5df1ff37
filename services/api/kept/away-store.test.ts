/** A store that is not in this process: it takes its time, and may be away. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { storeUnreachable } from "@localmodel/inference/unavailability.ts";
import { errorOf, gateway, model } from "../fixtures/gateway.ts";
import { answer, chunk, END, json, SSE_HEAD, upstream } from "../fixtures/scripted-upstream.ts";
import type { AnswerStore } from "./answer-store.ts";

const RESPONSE = { id: "resp_1", object: "response", status: "completed", output: [] };
const CREATED = 'event: response.created\ndata: {"sequence_number":0}\n\n';
const COMPLETED = `event: response.completed\ndata: ${JSON.stringify({ response: RESPONSE })}\n\n: done\n`;
const STREAM = SSE_HEAD + chunk(CREATED) + chunk(COMPLETED) + END;

/** Resolves `asked` when something is to be kept, and has kept it when `release` is called. */
function slowStore() {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const store: AnswerStore = {
    oneMaxBytes: 1024 * 1024,
    outage: undefined,
    keep: () => {
      asked.resolve();
      return released.promise;
    },
    find: async () => undefined,
    turnsUpTo: async () => [],
    turn: async () => undefined,
    delete: async () => false,
  };
  return { store, asked: asked.promise, release: () => released.resolve() };
}

const awayStore: AnswerStore = {
  ...slowStore().store,
  outage: storeUnreachable(),
  keep: async () => {},
  turnsUpTo: async () => {
    throw storeUnreachable();
  },
  turn: async () => {
    throw storeUnreachable();
  },
};

async function serving(
  t: TestContext,
  kept: AnswerStore,
  ...steps: Parameters<typeof upstream>[1][]
) {
  const server = await upstream(t, ...steps);
  return gateway(t, [model("m", { endpoints: [server.url] })], { kept });
}

const ask = (url: string, fields: object = {}, signal?: AbortSignal) =>
  fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", input: "x", ...fields }),
    ...(signal && { signal }),
  });

async function readAlong(response: Response, seen: string[]): Promise<void> {
  for await (const bytes of response.body ?? []) seen.push(Buffer.from(bytes).toString());
}

test("the last bytes of a stream come when its answer is kept, and all others at once", async (t) => {
  const { store, asked, release } = slowStore();
  const { url } = await serving(t, store, answer(STREAM));
  const seen: string[] = [];
  const reading = readAlong(await ask(url, { stream: true }), seen);
  await asked;
  await (await fetch(`${url}/healthz`)).text();
  assert.doesNotMatch(seen.join(""), /response\.completed/);
  release();
  await reading;
  assert.equal(seen.join(""), CREATED + COMPLETED);
});

test("the last bytes of an answer that comes whole, too", async (t) => {
  const { store, asked, release } = slowStore();
  const { url } = await serving(t, store, answer(json(RESPONSE)));
  let isRead = false;
  const reading = ask(url).then(async (response) => {
    const body: unknown = await response.json();
    isRead = true;
    return body;
  });
  await asked;
  await (await fetch(`${url}/healthz`)).text();
  assert.equal(isRead, false);
  release();
  assert.deepEqual(await reading, RESPONSE);
});

test("a client that leaves meanwhile takes nothing along", async (t) => {
  const { store, asked, release } = slowStore();
  const { url, requests } = await serving(t, store, answer(STREAM), answer(json(RESPONSE)));
  const leaving = new AbortController();
  const reading = readAlong(await ask(url, { stream: true }, leaving.signal), []);
  await asked;
  leaving.abort();
  await assert.rejects(reading);
  release();
  assert.equal((await ask(url, { store: false })).status, 200);
  while (requests.count > 0) await (await fetch(`${url}/healthz`)).text();
});

test("a stream that breaks meanwhile has its last event, for what is kept was whole", async (t) => {
  const { store, asked, release } = slowStore();
  const { url } = await serving(t, store, (socket) => {
    socket.write(SSE_HEAD + chunk(CREATED) + chunk(COMPLETED));
    void asked.then(() => socket.destroy());
  });
  const seen: string[] = [];
  const reading = readAlong(await ask(url, { stream: true }), seen);
  await asked;
  release();
  await reading;
  assert.equal(seen.join(""), CREATED + COMPLETED);
});

test("while it is away, who needs it is refused with 503, and all others are answered", async (t) => {
  const whole = answer(json(RESPONSE));
  const { url } = await serving(t, awayStore, whole, whole);
  for (const needs of [{ store: true }, { previous_response_id: "resp_0" }]) {
    const refused = await ask(url, needs);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "2");
    assert.equal((await errorOf(refused)).code, "response_store_unavailable");
  }
  for (const needs of [{}, { store: false }]) assert.equal((await ask(url, needs)).status, 200);
});
