/** The official client, as users have it: retries on, nothing patched. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import OpenAI from "openai";
import { model, startGateway } from "./fixtures/gateway.ts";
import {
  answer,
  chunk,
  END,
  event,
  json,
  upstream,
  SSE_HEAD,
} from "./fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

async function clientOf(t: TestContext, models: readonly DirectoryModel[]) {
  const gateway = await startGateway(models);
  t.after(() => gateway.close());
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any" });
  return { client, gateway };
}

const messages = [{ role: "user" as const, content: "Hello" }];

test("it streams, and stops when the stream is done", async (t) => {
  const { url } = await upstream(
    t,
    answer(SSE_HEAD + [event("Hel"), event("lo"), "data: [DONE]\n\n"].map(chunk).join("") + END),
  );
  const { client } = await clientOf(t, [model("m", { endpoints: [url] })]);
  let text = "";
  for await (const part of await client.chat.completions.create({
    model: "m",
    messages,
    stream: true,
  })) {
    text += part.choices[0]?.delta.content ?? "";
  }
  assert.equal(text, "Hello");
});

test("it sees a broken stream as an error and not as the end", async (t) => {
  const { url } = await upstream(
    t,
    (socket) => void socket.end(SSE_HEAD + chunk(event("Hel")) + chunk('data: {"half')),
  );
  const { client } = await clientOf(t, [model("m", { endpoints: [url] })]);
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  const read = async (): Promise<string> => {
    let text = "";
    for await (const part of stream) text += part.choices[0]?.delta.content ?? "";
    return text;
  };
  await assert.rejects(read(), (error) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.code, "engine_error");
    return true;
  });
});

test("it finds models by ids with slashes, and reads our errors", async (t) => {
  const { client } = await clientOf(t, [model("org/a:q4"), model("b")]);
  assert.deepEqual(
    (await client.models.list()).data.map((one) => one.id),
    ["org/a:q4", "b"],
  );
  assert.equal((await client.models.retrieve("org/a:q4")).id, "org/a:q4");
  await assert.rejects(client.chat.completions.create({ model: "c", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.ok(error.requestID);
    return true;
  });
});

test("its retries carry it over the loading of a model", async (t) => {
  const { url } = await upstream(t, answer(json({ object: "list", data: [], model: "m" })));
  const { client, gateway } = await clientOf(t, [
    model("m", { state: "loading", message: "loading" }),
  ]);
  const asked = client.embeddings.create({ model: "m", input: "x", encoding_format: "float" });
  await t.waitFor(() => assert.ok(gateway.lines.length > 0), PATIENCE);
  gateway.setModels([model("m", { endpoints: [url] })]);
  assert.equal((await asked).model, "m");
});

test("it does not retry what will not change", async (t) => {
  const { client, gateway } = await clientOf(t, [
    model("m", { state: "failed", message: "not a GGUF" }),
  ]);
  await assert.rejects(
    client.chat.completions.create({ model: "m", messages }),
    OpenAI.InternalServerError,
  );
  assert.equal(gateway.lines.filter((line) => line["message"] === "request").length, 1);
});
