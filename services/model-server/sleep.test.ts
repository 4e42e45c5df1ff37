/** A model server whose engine leaves memory, with a real llama.cpp: what clients see, and which processes there are. */
import assert from "node:assert/strict";
import { unlink } from "node:fs/promises";
import { suite, test, before, after, type TestContext } from "node:test";
import { SERVER_KEY_HEADER, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import { ModelServer } from "../../test/support/model-server.ts";
import { childrenOf, isRunning } from "../../test/support/process-tree.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../test/support/tiny-models.ts";

const PATIENCE = { timeout: 60_000 };
/** Longer than any test: it sleeps when it is told to. */
const NOT_BY_ITSELF = 3600;

type Ready = { readonly state: string; readonly model?: { readonly slots: number } };

suite("a model server that sleeps", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let weightsPath: string;

  before(async () => {
    folder = await TemporaryFolder.create();
    weightsPath = folder.file("chat.gguf");
    await writeTinyChatModel(weightsPath);
  });
  after(() => folder[Symbol.asyncDispose]());

  async function start(
    t: TestContext,
    options: Partial<ConstructorParameters<typeof ModelServer>[0]>,
  ) {
    const server = await ModelServer.ready({ weightsPath, ...options });
    t.after(() => server[Symbol.asyncDispose]());
    const url = server.url.replace(/\/v1$/, "");
    const pid = server.process.pid ?? assert.fail();
    const readyz = async () => {
      const response = await fetch(`${url}/readyz`);
      return { status: response.status, ...((await response.json()) as Ready) };
    };
    const post = (path: string, body: object = {}, init: RequestInit = {}) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        ...init,
      });
    const becomes = (state: string) =>
      t.waitFor(async () => assert.equal((await readyz()).state, state), PATIENCE);
    const engines = async () => (await childrenOf(pid)).map((row) => row.pid);
    const sleeps = async () => {
      await becomes("asleep");
      await t.waitFor(async () => assert.deepEqual(await engines(), []), PATIENCE);
    };
    return { url, post, readyz, becomes, engines, sleeps };
  }

  const ASK = { prompt: "Once", max_tokens: 4, ignore_eos: true };

  test("ends its engine when nobody has used it for a while, and answers the next request", async (t) => {
    const { post, readyz, sleeps, engines } = await start(t, { sleepAfterSeconds: 1 });
    await sleeps();
    const { status, model } = await readyz();
    assert.equal(status, 200);
    assert.ok((model?.slots ?? 0) > 0);
    const response = await post("/v1/completions", ASK);
    assert.equal(response.status, 200, await response.clone().text());
    assert.ok((await response.text()).includes('"choices"'));
    assert.ok((await engines()).length <= 1);
    await sleeps();
  });

  test("is woken once by many requests, and serves all of them", async (t) => {
    const { post, readyz, sleeps, engines } = await start(t, {
      sleepAfterSeconds: NOT_BY_ITSELF,
      engine: { slots: 2, maxQueuedRequests: 20 },
    });
    assert.equal((await post("/unload")).status, 202);
    await sleeps();
    const answers = Array.from({ length: 12 }, (_, index) =>
      post("/v1/completions", { ...ASK, stream: index % 2 === 0 }),
    );
    const seen = new Set<number>();
    await t.waitFor(async () => {
      for (const one of await engines()) seen.add(one);
      assert.equal((await readyz()).state, "ready");
    }, PATIENCE);
    for (const response of await Promise.all(answers)) {
      assert.equal(response.status, 200);
      assert.match(await response.text(), /"choices"/);
    }
    assert.equal(seen.size, 1);
  });

  test("does not end under a request: who unloads it waits for its end", async (t) => {
    const { post, readyz, sleeps } = await start(t, { sleepAfterSeconds: 0 });
    await sleeps();
    const response = await post("/v1/completions", { ...ASK, max_tokens: 200, stream: true });
    assert.equal((await post("/unload")).status, 202);
    assert.match(await response.text(), /\[DONE\]/);
    await sleeps();
    assert.equal((await readyz()).status, 200);
  });

  test("loads on demand, and says when it is loaded", async (t) => {
    const { post, becomes, sleeps } = await start(t, { sleepAfterSeconds: NOT_BY_ITSELF });
    await post("/unload");
    await sleeps();
    const response = await post("/load");
    assert.deepEqual([response.status, await response.json()], [200, { state: "ready" }]);
    await becomes("ready");
  });

  test("a load that fails is told to all who wait, with its cause", async (t) => {
    const gone = folder.file("gone.gguf");
    await writeTinyChatModel(gone);
    const { post, sleeps } = await start(t, {
      weightsPath: gone,
      sleepAfterSeconds: NOT_BY_ITSELF,
    });
    await post("/unload");
    await sleeps();
    await unlink(gone);
    const answers = await Promise.all([1, 2, 3].map(() => post("/v1/completions", ASK)));
    for (const response of answers) {
      assert.equal(response.status, 503);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      assert.equal(error.code, "model_failed");
      assert.match(error.message, /gone\.gguf/);
    }
  });

  test("who hangs up while it wakes leaves it to wake, and it sleeps again by itself", async (t) => {
    const { post, sleeps, engines } = await start(t, { sleepAfterSeconds: 0 });
    await sleeps();
    const leaving = new AbortController();
    const asking = post("/v1/completions", ASK, { signal: leaving.signal });
    const [engine = 0] = await t.waitFor(async () => {
      const running = await engines();
      assert.equal(running.length, 1);
      return running;
    }, PATIENCE);
    leaving.abort();
    await assert.rejects(asking);
    await t.waitFor(() => assert.equal(isRunning(engine), false), PATIENCE);
    await sleeps();
  });

  test("starts asleep where it is told to, and has its engine loaded for the first request", async (t) => {
    const { post, readyz, engines } = await start(t, {
      sleepAfterSeconds: NOT_BY_ITSELF,
      startsAsleep: true,
    });
    const { status, state, model } = await readyz();
    assert.deepEqual([status, state, model], [200, "asleep", undefined]);
    await t.waitFor(async () => assert.deepEqual(await engines(), []), PATIENCE);
    const answers = await Promise.all([1, 2, 3].map(() => post("/v1/completions", ASK)));
    for (const response of answers) {
      assert.equal(response.status, 200, await response.clone().text());
      assert.match(await response.text(), /"choices"/);
    }
    assert.ok(((await readyz()).model?.slots ?? 0) > 0);
  });

  test("tells who listens when it sleeps, how far it is, and when it is awake, and ends that with itself", async (t) => {
    const { url, post } = await start(t, { sleepAfterSeconds: NOT_BY_ITSELF });
    const { status, body } = await fetch(`${url}/residence`);
    assert.equal(status, 200);
    const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (told: string): Promise<void> => {
      while (!text.includes(told)) text += (await reader.read()).value ?? assert.fail(text);
    };
    await until('{"state":"awake"}\n');
    await post("/unload");
    await until('{"state":"asleep","message":"Its weights have left memory');
    text = "";
    const loading = post("/load");
    await until('{"state":"loading","message":"Waking');
    await until('{"state":"awake"}\n');
    assert.equal((await loading).status, 200);
  });

  test("stays for a while once it is loaded on demand: who had it loaded is about to ask", async (t) => {
    const { post, readyz, sleeps } = await start(t, { sleepAfterSeconds: 0 });
    await sleeps();
    assert.equal((await post("/load")).status, 200);
    assert.equal((await readyz()).state, "ready");
    await sleeps();
  });

  test("only who shows the key may wake it or put it to sleep, and one that stays loaded says so", async (t) => {
    const key = "a key";
    const { url, post, readyz } = await start(t, { keySha256: [serverKeyHash(key)] });
    for (const path of ["/load", "/unload"]) assert.equal((await post(path)).status, 403);
    assert.equal((await fetch(`${url}/residence`)).status, 403);
    const headers = { [SERVER_KEY_HEADER]: key };
    assert.equal((await post("/load", {}, { headers })).status, 200);
    const refused = await post("/unload", {}, { headers });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /sleepAfterSeconds/);
    assert.equal((await readyz()).state, "ready");
  });
});
