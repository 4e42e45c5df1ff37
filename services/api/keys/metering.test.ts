import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { chat, model, startGateway } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import {
  answer,
  chunk,
  event,
  json,
  type Script,
  scriptedUpstream,
  SSE_HEAD,
} from "../fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

/** What a key is charged for this answer, as the next answer's header says. */
async function charged(t: TestContext, script: Script): Promise<number> {
  const keys = ringOf(key("alice", { tokensPerMinute: 1 }), key("bob", { tokensPerMinute: 1000 }));
  const upstream = await scriptedUpstream(script, answer(json({ ok: true })));
  t.after(() => upstream.close());
  const models = [model("a", { endpoints: [upstream.url] })];
  const { url, close } = await startGateway(models, { keys, now: () => 0 });
  t.after(close);
  const init = { headers: bearer("bob") };
  await (await chat(url, { model: "a" }, init)).text();
  const next = await chat(url, { model: "a" }, init);
  return 1000 - Number(next.headers.get("x-ratelimit-remaining-tokens"));
}

test("an answer costs the tokens that its model server counted", async (t) => {
  const head = "x-localmodel-usage: prompt=300 completion=40\r\n";
  assert.equal(await charged(t, answer(json({ ok: true }, "200 OK", head))), 340);
});

test("a stream costs what its trailer says, which the client never sees", async (t) => {
  const trailer = "0\r\nx-localmodel-usage: prompt=200 completion=56\r\n\r\n";
  const stream = SSE_HEAD + chunk(event("Hi")) + chunk("data: [DONE]\n\n") + trailer;
  assert.equal(await charged(t, answer(stream)), 256);
});

test("a stream without a trailer costs its prompt and a token for each event", async (t) => {
  const head = SSE_HEAD.replace("\r\n\r\n", "\r\nx-localmodel-prompt-tokens: 100\r\n\r\n");
  const events = chunk(event("Hi") + event(" you")) + chunk(event("!"));
  const cut: Script = (socket) => void socket.end(head + events);
  assert.equal(await charged(t, cut), 103);
});

test("requests that come together are let in for no more than the limit has, and get back what they did not use", async (t) => {
  const releases: (() => void)[] = [];
  const usage = "x-localmodel-usage: prompt=1 completion=1\r\n";
  const held: Script = (socket) =>
    void releases.push(() => socket.write(json({ ok: true }, "200 OK", usage)));
  const server = await scriptedUpstream(held);
  t.after(() => server.close());
  const keys = ringOf(key("alice", { tokensPerMinute: 300 }));
  const models = [model("a", { endpoints: [server.url], slots: 200 })];
  const { url, close } = await startGateway(models, { keys, now: () => 0 });
  t.after(close);
  const init = { headers: bearer("alice") };
  const body = { model: "a", messages: [], max_tokens: 100 };
  let refused = 0;
  const flood = Array.from({ length: 50 }, async () => {
    const { status } = await chat(url, body, init);
    if (status === 429) refused += 1;
    return status;
  });
  await t.waitFor(() => assert.equal(refused, 47), PATIENCE);
  assert.equal(releases.length, 3);
  for (const release of releases) release();
  assert.equal((await Promise.all(flood)).filter((status) => status === 200).length, 3);
  await t.waitFor(async () => {
    const after = chat(url, body, init);
    await t.waitFor(() => assert.equal(releases.length, 4));
    releases[3]?.();
    assert.equal((await after).headers.get("x-ratelimit-remaining-tokens"), "294");
  }, PATIENCE);
});

for (const [name, usage] of [
  ["more prompt tokens than its bytes could be", "prompt=900000 completion=1"],
  ["more tokens than any answer has", "prompt=1 completion=999999999999999"],
] as const) {
  test(`a server that counts ${name} is not believed`, async (t) => {
    const head = `x-localmodel-usage: ${usage}\r\n`;
    assert.equal(await charged(t, answer(json({ ok: true }, "200 OK", head))), 0);
  });
}

test("a stream that claims a prompt of more tokens than its bytes could be costs its events", async (t) => {
  const head = SSE_HEAD.replace("\r\n\r\n", "\r\nx-localmodel-prompt-tokens: 900000\r\n\r\n");
  const cut: Script = (socket) => void socket.end(head + chunk(event("Hi")));
  assert.equal(await charged(t, cut), 1);
});
