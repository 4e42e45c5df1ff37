/** Conversations that are gone on with, by the unmodified client through the API service to the model server's own app. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import OpenAI, { APIError } from "openai";
import { gateway, model } from "../fixtures/gateway.ts";
import { key, ringOf, secretOf } from "../fixtures/keys.ts";
import { answer, chunk, END, json, SSE_HEAD, upstream } from "../fixtures/scripted-upstream.ts";
import { Conversations } from "./conversations.ts";
import { KeptResponses } from "./kept-responses.ts";

const LIMITS = { maxCount: 100, maxBytes: 1024 * 1024, lifetimeSeconds: 60 };

function response(id: string, text: string) {
  return {
    id,
    object: "response",
    status: "completed",
    output: [
      {
        id: `msg_${id}`,
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text, annotations: [] }],
      },
    ],
  };
}

const streamed = (body: object): string =>
  `event: response.completed\ndata: ${JSON.stringify({ type: "response.completed", sequence_number: 0, response: body })}\n\n`;

async function serving(t: TestContext, ...answers: readonly string[]) {
  const server = await upstream(t, ...answers.map((one) => answer(one)));
  const { url } = await gateway(t, [model("m", { endpoints: [server.url] })], {
    kept: new Conversations(new KeptResponses(LIMITS)),
    keys: ringOf(key("alice"), key("bob")),
  });
  const client = (name: string) =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf(name), maxRetries: 0 });
  return { server, client, url };
}

type Sent = {
  readonly earlier: unknown;
  readonly body: string;
  readonly header: string | undefined;
};

function sentIn({ head, body }: { readonly head: string; readonly body: Buffer }): Sent {
  const header = /^x-localmodel-earlier-bytes: (\d+)$/im.exec(head)?.[1];
  const bytes = Number(header ?? 0);
  const earlier: unknown = bytes === 0 ? [] : JSON.parse(body.subarray(0, bytes).toString());
  return { earlier, body: body.subarray(bytes).toString(), header };
}

test("what goes on with an answer is counted with it, and is nothing to go on with", async (t) => {
  const counted = { object: "response.input_tokens", input_tokens: 7, id: "resp_2", output: [] };
  const { server, client } = await serving(t, json(response("resp_1", "One.")), json(counted));
  const { responses } = client("alice");
  await responses.create({ model: "m", input: "1" });
  const asked = { model: "m", input: "2", previous_response_id: "resp_1" };
  assert.equal((await responses.inputTokens.count(asked)).input_tokens, 7);
  const [, sent] = server.requests.map(sentIn);
  assert.ok(Array.isArray(sent?.earlier));
  assert.equal(sent.earlier.length, 2);
  await assert.rejects(responses.retrieve("resp_2"), { status: 404 });
});

test("an answer that is there cannot be cancelled, and says so", async (t) => {
  const { client } = await serving(t, json(response("resp_1", "One.")));
  const { responses } = client("alice");
  await responses.create({ model: "m", input: "1" });
  await assert.rejects(responses.cancel("resp_1"), { status: 400, message: /synchronous/ });
  await assert.rejects(client("bob").responses.cancel("resp_1"), { status: 404 });
  const stream = responses.retrieve("resp_1", { stream: true });
  await assert.rejects(stream, { status: 400, param: "stream" });
});

test("a conversation is not compacted, and who asks for it is told so and what to do", async (t) => {
  const { client } = await serving(t);
  const asked = client("alice").responses.compact({ model: "m", input: "1" });
  await assert.rejects(asked, { status: 404, message: /not compacted.*truncation/ });
  await assert.rejects(client("alice").responses.retrieve("compact"), {
    status: 404,
    message: /Response with id/,
  });
});

test("the conversation stands before the client's own bytes, which are not changed", async (t) => {
  const second = SSE_HEAD + chunk(streamed(response("resp_2", "Two."))) + END;
  const { server, client } = await serving(
    t,
    json(response("resp_1", "One.")),
    second,
    json(response("resp_3", "Three.")),
  );
  const { responses } = client("alice");
  await responses.create({ model: "m", input: "1" });
  const stream = await responses.create({
    model: "m",
    input: [{ role: "user", content: "2" }],
    previous_response_id: "resp_1",
    stream: true,
  });
  await Array.fromAsync(stream);
  await responses.create({ model: "m", input: "3", previous_response_id: "resp_2" });
  const sent = server.requests.map(sentIn);
  assert.equal(sent[0]?.header, "0");
  assert.deepEqual(JSON.parse(sent[2]?.body ?? ""), {
    model: "m",
    input: "3",
    previous_response_id: "resp_2",
  });
  assert.deepEqual(sent[2]?.earlier, [
    { type: "message", role: "user", content: [{ type: "input_text", text: "1" }] },
    ...response("resp_1", "One.").output,
    { role: "user", content: "2" },
    ...response("resp_2", "Two.").output,
  ]);
});

async function isNotFound(asked: Promise<unknown>, code: string | null): Promise<void> {
  await assert.rejects(asked, (thrown: unknown) => {
    assert.ok(thrown instanceof APIError);
    assert.deepEqual([thrown.status, thrown.code], [404, code]);
    return true;
  });
}

test("only the key that made a response may use, read or delete it", async (t) => {
  const { client, server } = await serving(t, json(response("resp_1", "One.")));
  const [alice, bob] = [client("alice").responses, client("bob").responses];
  await alice.create({ model: "m", input: "1" });
  const again = { model: "m", input: "2", previous_response_id: "resp_1" };
  await isNotFound(bob.create(again), "previous_response_not_found");
  await isNotFound(bob.retrieve("resp_1"), null);
  await isNotFound(bob.delete("resp_1"), null);
  await isNotFound(Promise.resolve(bob.inputItems.list("resp_1")), null);
  assert.equal(server.requests.length, 1);
  assert.equal((await alice.retrieve("resp_1")).output_text, "One.");
  await alice.delete("resp_1");
  await isNotFound(alice.retrieve("resp_1"), null);
  await isNotFound(alice.create(again), "previous_response_not_found");
});

test("what is not to be stored is not, and neither is a failure", async (t) => {
  const refused = json(response("resp_2", "x"), "400 Bad Request");
  const { client } = await serving(t, json(response("resp_1", "One.")), refused);
  const { responses } = client("alice");
  await responses.create({ model: "m", input: "1", store: false });
  await isNotFound(responses.retrieve("resp_1"), null);
  await assert.rejects(responses.create({ model: "m", input: "2" }));
  await isNotFound(responses.retrieve("resp_2"), null);
});

test("the input of a response is listed with that before it, in pages", async (t) => {
  const { client } = await serving(
    t,
    json(response("resp_1", "One.")),
    json(response("resp_2", "Two.")),
  );
  const { responses } = client("alice");
  await responses.create({ model: "m", input: "1" });
  await responses.create({ model: "m", input: "2", previous_response_id: "resp_1" });
  const listed: string[] = [];
  for await (const item of responses.inputItems.list("resp_2", { limit: 1, order: "asc" })) {
    assert.ok(item.type === "message" && item.id !== undefined);
    const [part] = item.content;
    listed.push(part !== undefined && "text" in part ? part.text : "");
  }
  assert.deepEqual(listed, ["1", "One.", "2"]);
  const newest = await responses.inputItems.list("resp_2", { limit: 2 });
  assert.deepEqual([newest.data.length, newest.has_more], [2, true]);
});

test("a stream is not replayed, and other methods are not allowed", async (t) => {
  const { client, url } = await serving(t, json(response("resp_1", "One.")));
  await client("alice").responses.create({ model: "m", input: "1" });
  const headers = { authorization: `Bearer ${secretOf("alice")}` };
  const replay = await fetch(`${url}/v1/responses/resp_1?stream=true`, { headers });
  assert.equal(replay.status, 400);
  const put = await fetch(`${url}/v1/responses/resp_1`, { method: "PUT", headers });
  assert.equal(put.status, 405);
});

test("turns of one conversation meet at one server", async (t) => {
  const turns = Array.from({ length: 6 }, (_, turn) => json(response(`resp_${turn}`, "Yes.")));
  const servers = await Promise.all(
    [1, 2, 3].map(() => upstream(t, ...turns.map((one) => answer(one)))),
  );
  const { url } = await gateway(t, [model("m", { endpoints: servers.map((one) => one.url) })], {
    kept: new Conversations(new KeptResponses(LIMITS)),
  });
  const { responses } = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  let previous: string | null = null;
  for (const input of ["x".repeat(500), "a", "b", "c", "d"]) {
    const { id }: { id: string } = await responses.create({
      model: "m",
      input,
      previous_response_id: previous,
    });
    previous = id;
  }
  assert.deepEqual(
    servers.map(({ requests }) => requests.length).filter((count) => count > 0),
    [5],
  );
});

test("a stream that breaks ends in an error event with the next number", async (t) => {
  const created = 'event: response.created\ndata: {"sequence_number":0}\n\n';
  const server = await upstream(t, (socket) => void socket.end(SSE_HEAD + chunk(created)));
  const { url } = await gateway(t, [model("m", { endpoints: [server.url] })]);
  const answered = await fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", input: "x", stream: true }),
  });
  const text = await answered.text();
  assert.ok(
    text.startsWith(`${created}event: error\ndata: {"type":"error","sequence_number":1,`),
    text,
  );
});

test("a stream that had its last event is complete, however its connection ends", async (t) => {
  const whole = `${streamed(response("resp_1", "One."))}: done\n`;
  const server = await upstream(t, (socket) => void socket.end(SSE_HEAD + chunk(whole)));
  const { url } = await gateway(t, [model("m", { endpoints: [server.url] })]);
  const answered = await fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", input: "x", stream: true }),
  });
  assert.equal(await answered.text(), whole);
});
