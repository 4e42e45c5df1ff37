import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { json, text } from "node:stream/consumers";
import { test } from "node:test";
import { ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const chat = { messages: [{ role: "user", content: "Hi" }] };

async function post(url: string, body: object, headers: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { "content-type": "application/json", ...headers } };
    request(url, options, resolve).on("error", reject).end(JSON.stringify(body));
  });
}

const te = { te: "trailers" };

test("a whole answer and an embedding have their usage in a header", async (t) => {
  const { url } = await serve(t, new ScriptedEngine());
  const answer = await post(`${url}/v1/chat/completions`, chat, te);
  assert.equal(answer.headers["x-localmodel-usage"], "prompt=3 completion=2");
  await json(answer);
  const embedding = await post(`${url}/v1/embeddings`, { input: ["a", "b"] }, te);
  assert.equal(embedding.headers["x-localmodel-usage"], "prompt=2 completion=0");
  await json(embedding);
});

test("a stream begins with its prompt's tokens and ends with all of them, usage asked for or not", async (t) => {
  const { url } = await serve(t, new ScriptedEngine());
  const answer = await post(`${url}/v1/chat/completions`, { ...chat, stream: true }, te);
  assert.equal(answer.headers["x-localmodel-prompt-tokens"], "3");
  assert.equal(answer.headers["trailer"], "x-localmodel-usage");
  assert.match(await text(answer), /data: \[DONE\]\n\n$/);
  assert.equal(answer.trailers["x-localmodel-usage"], "prompt=3 completion=2");
});

test("a stream that fails early is an error like any other", async (t) => {
  const { url } = await serve(
    t,
    new ScriptedEngine(async function* () {
      yield { type: "accepted", promptTokens: 3 };
      throw new Error("broken");
    }),
  );
  const answer = await post(`${url}/v1/chat/completions`, { ...chat, stream: true }, te);
  assert.equal(answer.statusCode, 500);
  assert.equal(((await json(answer)) as { error: { code: string } }).error.code, "internal_error");
});

test("who takes no trailers gets none of it", async (t) => {
  const { url } = await serve(t, new ScriptedEngine());
  for (const stream of [true, false]) {
    const answer = await post(`${url}/v1/chat/completions`, { ...chat, stream }, {});
    await text(answer);
    const names = Object.keys({ ...answer.headers, ...answer.trailers });
    assert.deepEqual(
      names.filter((name) => name.startsWith("x-localmodel") || name === "trailer"),
      [],
    );
  }
});
