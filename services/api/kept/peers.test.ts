/** Replicas of the API service as real processes, and clients who meet another one each time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { test, type TestContext } from "node:test";
import OpenAI, { APIError } from "openai";
import { ApiProcess } from "../../../test/support/api-process.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { key, secretOf } from "../fixtures/keys.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";

const SECRET = "s".repeat(40);

/** An address that is known before what listens there: where it leads is said later. */
async function relay(t: TestContext) {
  let target: number | undefined;
  const server = createServer((socket) => {
    if (target === undefined) return void socket.destroy();
    const onward = connect(target, "127.0.0.1");
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy()).on("close", () => onward.destroy());
    onward.on("error", () => socket.destroy()).on("close", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (url: string) => {
      target = Number(new URL(url).port);
    },
  };
}

const itemOf = (id: string): string => `${id.replace("resp_", "msg_")}0000`;

const said = (id: string) =>
  answer(
    json({
      id,
      object: "response",
      status: "completed",
      output: [
        {
          id: itemOf(id),
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: id }],
        },
      ],
    }),
  );

type Replica = { readonly peers: readonly string[]; readonly secret?: string };

async function serving(t: TestContext, answers: readonly string[], replicas: readonly Replica[]) {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const keysFile = folder.file("keys.yaml");
  await writeFile(keysFile, JSON.stringify({ keys: [key("alice"), key("bob")] }));
  const server = await upstream(t, ...answers.map(said));
  const started: ApiProcess[] = [];
  for (const { peers, secret = SECRET } of replicas) {
    const api = await ApiProcess.start({
      models: [{ id: "m", endpoints: [server.url] }],
      config: { keysFile, peers: [...peers] },
      environment: { LOCALMODEL_SERVER_KEY: secret },
    });
    t.after(() => api.stop());
    started.push(api);
  }
  return { server, started };
}

function client({ url }: ApiProcess, name: string) {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf(name), maxRetries: 0 }).responses;
}

/** `first` knows where `second` is by its configuration, and `second` knows of `first` by its greeting alone. */
async function twoReplicas(t: TestContext, answers: readonly string[]) {
  const place = await relay(t);
  const served = await serving(t, answers, [
    { peers: [place.url] },
    { peers: ["http://127.0.0.1:9"] },
  ]);
  const [first, second] = served.started;
  assert.ok(first !== undefined && second !== undefined);
  place.leadTo(second.url);
  return { ...served, first, second };
}

async function isNotFound(asked: Promise<unknown>): Promise<void> {
  await assert.rejects(asked, (thrown) => thrown instanceof APIError && thrown.status === 404);
}

test("replicas answer for each other", async (t) => {
  const { first, second, server } = await twoReplicas(t, ["resp_1", "resp_2", "resp_3", "resp_4"]);
  const [alice, bob] = [client(first, "alice"), client(first, "bob")];
  const elsewhere = client(second, "alice");

  await t.test("a conversation goes on at whichever it meets, for who began it alone", async () => {
    await elsewhere.create({ model: "m", input: "1" });
    const next = { model: "m", input: "2", previous_response_id: "resp_1" };
    await isNotFound(bob.create(next));
    await alice.create(next);
    // Its turns are at both by now, and the second has heard of the first when that asked.
    await elsewhere.create({ model: "m", input: "3", previous_response_id: "resp_2" });
    const [, , third] = server.requests;
    assert.ok(third !== undefined);
    const { head, body } = third;
    const earlier = Number(/^x-localmodel-earlier-bytes: (\d+)$/im.exec(head)?.[1]);
    const items = JSON.parse(body.subarray(0, earlier).toString()) as {
      content: readonly { text: string }[];
    }[];
    const texts = items.map(({ content }) => content[0]?.text);
    assert.deepEqual(texts, ["1", "resp_1", "2", "resp_2"]);
  });

  await t.test("an item is named at whichever it meets, by who began it alone", async () => {
    const input = [{ type: "item_reference" as const, id: itemOf("resp_1") }];
    await isNotFound(bob.create({ model: "m", input }));
    await alice.create({ model: "m", input });
    const { head, body } = server.requests.at(-1) ?? assert.fail();
    const bytes = Number(/^x-localmodel-referenced-bytes: (\d+)$/im.exec(head)?.[1]);
    const [item] = JSON.parse(body.subarray(0, bytes).toString()) as { id: string }[];
    assert.equal(item?.id, itemOf("resp_1"));
  });

  await t.test("who does not know the secret is told that there is no such place", async () => {
    const asked = { ...bearerOf("alice"), "x-localmodel-tenant": "alice" };
    for (const shown of [{}, { "x-localmodel-server-key": SECRET }]) {
      const headers = { ...asked, ...shown };
      const response = await fetch(`${second.url}/peer/responses/resp_1`, { headers });
      assert.equal(response.status, 404);
      assert.doesNotMatch(await response.text(), /output_text/);
    }
  });

  await t.test("what is kept is read, listed and deleted through any of them", async () => {
    assert.equal((await alice.retrieve("resp_3")).output_text, "resp_3");
    assert.equal((await alice.inputItems.list("resp_3")).data.length, 5);
    await isNotFound(bob.retrieve("resp_3"));
    await isNotFound(bob.delete("resp_1"));
    await alice.delete("resp_1");
    await isNotFound(elsewhere.retrieve("resp_1"));
    await isNotFound(alice.delete("resp_1"));
  });

  await t.test("one that is gone has taken along what it kept, and the others say so", async () => {
    await second.stop();
    await isNotFound(alice.retrieve("resp_3"));
    assert.equal((await alice.retrieve("resp_2")).output_text, "resp_2");
  });
});

test("without a secret nobody is asked, and the log says why", async (t) => {
  const { started } = await serving(t, [], [{ peers: ["http://127.0.0.1:9"], secret: "" }]);
  await eventually("the log", () =>
    assert.match(started[0]?.output ?? "", /there is no secret to know them by/),
  );
});

function bearerOf(name: string): Record<string, string> {
  return { authorization: `Bearer ${secretOf(name)}` };
}
