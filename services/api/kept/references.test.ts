/** Items that requests name by their ids, by the unmodified client through the API service to the model server's own app. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import OpenAI from "openai";
import { gateway, model } from "../fixtures/gateway.ts";
import { key, ringOf, secretOf } from "../fixtures/keys.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";
import { Conversations } from "./conversations.ts";
import { KeptResponses } from "./kept-responses.ts";

const LIMITS = { maxCount: 2000, maxBytes: 16 * 1024 * 1024, lifetimeSeconds: 60 };

const message = (stem: string, index: number, text: string) => ({
  id: `msg_${stem}${index.toString(16).padStart(4, "0")}`,
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text }],
});

const response = (stem: string, ...texts: readonly string[]) =>
  json({
    id: `resp_${stem}`,
    object: "response",
    status: "completed",
    output: texts.map((text, index) => message(stem, index, text)),
  });

const naming = (...ids: readonly string[]) =>
  ids.map((id) => ({ type: "item_reference" as const, id }));

async function serving(t: TestContext, answers: readonly string[]) {
  const server = await upstream(t, ...answers.map((one) => answer(one)));
  const { url } = await gateway(t, [model("m", { endpoints: [server.url] })], {
    kept: new Conversations(new KeptResponses(LIMITS)),
    keys: ringOf(key("alice"), key("bob")),
  });
  const client = (name: string) =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf(name), maxRetries: 0 }).responses;
  return { server, alice: client("alice"), bob: client("bob") };
}

type Request = { readonly head: string; readonly body: Buffer };

const items = (some: Buffer) => JSON.parse(some.toString() || "[]") as { id?: string }[];

function partsOf({ head, body }: Request) {
  const bytes = (name: string): number =>
    Number(new RegExp(`^x-localmodel-${name}-bytes: (\\d+)$`, "imu").exec(head)?.[1] ?? 0);
  const [start, end] = [bytes("earlier"), bytes("earlier") + bytes("referenced")];
  return {
    earlier: items(body.subarray(0, start)),
    referenced: items(body.subarray(start, end)),
    body: body.subarray(end).toString(),
  };
}

const notFound = (id: string) => ({
  status: 404,
  param: "input",
  message: new RegExp(`Item with id '${id}' not found`, "u"),
});

test("items that are named stand before the client's own bytes, each once", async (t) => {
  const { server, alice } = await serving(t, [
    response("a", "One.", "Two."),
    response("b", "Three."),
    response("c", "Four."),
  ]);
  await alice.create({ model: "m", input: "1" });
  await alice.create({ model: "m", input: "2" });
  const asked = { model: "m", input: naming("msg_a0001", "msg_b0000", "msg_a0001") };
  await alice.create(asked);
  const { earlier, referenced, body } = partsOf(server.requests.at(-1) ?? assert.fail());
  assert.deepEqual(earlier, []);
  assert.deepEqual(referenced, [message("a", 1, "Two."), message("b", 0, "Three.")]);
  assert.deepEqual(JSON.parse(body), asked);
});

test("what named items goes on as if they stood in it, and is listed with them", async (t) => {
  const { server, alice } = await serving(t, [
    response("a", "One."),
    response("b", "Two."),
    response("c", "Three."),
  ]);
  await alice.create({ model: "m", input: "1" });
  await alice.create({ model: "m", input: naming("msg_a0000") });
  await alice.create({ model: "m", input: "3", previous_response_id: "resp_b" });
  const { earlier, referenced } = partsOf(server.requests.at(-1) ?? assert.fail());
  assert.deepEqual(earlier, [...naming("msg_a0000"), message("b", 0, "Two.")]);
  assert.deepEqual(referenced, [message("a", 0, "One.")]);
  const listed = await alice.inputItems.list("resp_c", { order: "asc" });
  assert.deepEqual(
    listed.data.map((item) => item.id),
    ["msg_a0000", "msg_b0000", "msg_c2"],
  );
});

test("an item is not found by another key, and not when its response is gone or was not stored", async (t) => {
  const { server, alice, bob } = await serving(t, [response("a", "One."), response("b", "Two.")]);
  await alice.create({ model: "m", input: "1" });
  await alice.create({ model: "m", input: "2", store: false });
  const naming1 = { model: "m", input: naming("msg_a0000") };
  await assert.rejects(bob.create(naming1), notFound("msg_a0000"));
  for (const id of ["msg_b0000", "msg_a0001", "rs_a0000", "msg_1", "", "../resp_a0000"]) {
    await assert.rejects(alice.create({ model: "m", input: naming(id) }), notFound(id));
  }
  await assert.rejects(alice.inputTokens.count({ ...naming1, input: naming("msg_c0000") }), {
    status: 404,
  });
  await alice.delete("resp_a");
  await assert.rejects(alice.create(naming1), notFound("msg_a0000"));
  assert.equal(server.requests.length, 2);
});

test("what is named counts as often as it is, and only so many responses are looked up", async (t) => {
  const { server, alice } = await serving(t, [response("a", "x".repeat(300_000))]);
  await alice.create({ model: "m", input: "1" });
  const often = naming(...Array.from({ length: 5 }, () => "msg_a0000"));
  await assert.rejects(alice.create({ model: "m", input: often }), {
    status: 413,
    code: "request_too_large",
  });
  const many = Array.from({ length: 1025 }, (_, index) => `msg_${index + 1}x0000`);
  await assert.rejects(alice.create({ model: "m", input: naming(...many) }), {
    status: 400,
    param: "input",
  });
  assert.equal(server.requests.length, 1);
});
