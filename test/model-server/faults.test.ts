/** What clients see when things break: the engine dies, clients leave, everything is full, it must end. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { text } from "node:stream/consumers";
import { writeHtml, writeTruncated, writeWrongMagic } from "../support/broken-models.ts";
import { ModelServer } from "../support/model-server.ts";
import { isRunning } from "../support/process-tree.ts";
import { eventsOf, post, postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

/** Long enough that nothing here ends by itself while a test waits for something else to end it. */
const CONTEXT_TOKENS = 65_536;
const LONG_PROMPT = "The price of water is high. ".repeat(4_000);

let folder: TemporaryFolder;
let weightsPath: string;
before(async () => {
  folder = await TemporaryFolder.create();
  weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath, { contextLength: CONTEXT_TOKENS });
});
after(() => folder[Symbol.asyncDispose]());

/** One slot and no queue: while somebody has the slot, everyone else is answered 429. */
const ONE_SLOT = { slots: 1, maxQueuedRequests: 0, contextTokens: CONTEXT_TOKENS, batchTokens: 16 };

/** A chat has no limit of its own: it ends with the context. */
function endless(server: ModelServer, content = "water") {
  const messages = [{ role: "user", content }];
  return { model: server.modelId, messages, ignore_eos: true, stream: true };
}

/** Starts a stream that would not end, and returns it after its first text. */
async function runningStream(server: ModelServer, signal?: AbortSignal) {
  const response = await post(`${server.url}/v1/chat/completions`, endless(server), {
    ...(signal && { signal }),
  });
  assert.equal(response.status, 200);
  const events = eventsOf(response.body);
  await events.next();
  return events;
}

async function statusOfShortRequest(server: ModelServer): Promise<number> {
  const body = { model: server.modelId, prompt: "town", max_tokens: 1 };
  return (await postJson(`${server.url}/v1/completions`, body)).status;
}

async function readiness(server: ModelServer): Promise<number> {
  const response = await fetch(`${server.url}/readyz`);
  await response.text();
  return response.status;
}

test("an engine killed mid-stream ends streams with an error, and comes back", async (t) => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { slots: 2, contextTokens: CONTEXT_TOKENS },
  });
  const streams = await Promise.all([runningStream(server), runningStream(server)]);
  const waiting = postJson(`${server.url}/v1/completions`, {
    model: server.modelId,
    prompt: "river",
    max_tokens: 1,
  });
  const pid = await server.enginePid();
  process.kill(pid, "SIGKILL");
  for (const stream of streams) {
    const events = await Array.fromAsync(stream);
    assert.notEqual(events.at(-1), "[DONE]");
    const { error } = JSON.parse(events.at(-1) ?? "{}") as {
      error: { type: string; code: string };
    };
    assert.deepEqual([error.type, error.code], ["server_error", "engine_error"]);
  }
  const { status, headers } = await waiting;
  assert.equal(status, 503);
  assert.ok(Number(headers["retry-after"]) >= 1 && Number(headers["retry-after"]) <= 60);
  assert.ok(!server.exited);
  // The official client's own retries bridge the gap.
  const client = server.client({ maxRetries: 5 });
  const answer = await client.completions.create({
    model: server.modelId,
    prompt: "town",
    max_tokens: 2,
  });
  assert.equal(answer.choices.length, 1);
  await t.waitFor(async () => assert.equal(await readiness(server), 200), PATIENCE);
  assert.notEqual(await server.enginePid(), pid);
});

test("while the engine is down, health is fine, readiness is not, and it says why", async () => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { contextTokens: CONTEXT_TOKENS },
  });
  process.kill(await server.enginePid(), "SIGKILL");
  await server.until(({ state }) => state === "restarting");
  const ready = await fetch(`${server.url}/readyz`);
  if (ready.status === 503) assert.match(await ready.text(), /restart|load/i);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  await server.until(({ state }) => state === "ready");
  assert.equal(await statusOfShortRequest(server), 200);
});

test("a client that hangs up while tokens come frees its slot", async (t) => {
  await using server = await ModelServer.ready({ weightsPath, engine: ONE_SLOT });
  const hangUp = new AbortController();
  await runningStream(server, hangUp.signal);
  assert.equal(await statusOfShortRequest(server), 429);
  hangUp.abort();
  await t.waitFor(async () => assert.equal(await statusOfShortRequest(server), 200), {
    timeout: 5_000,
  });
});

test("a client that hangs up while its prompt is evaluated frees its slot", async (t) => {
  await using server = await ModelServer.ready({ weightsPath, engine: ONE_SLOT });
  const hangUp = new AbortController();
  const doomed = post(`${server.url}/v1/chat/completions`, endless(server, LONG_PROMPT), {
    signal: hangUp.signal,
  }).catch(() => undefined);
  await t.waitFor(async () => assert.equal(await statusOfShortRequest(server), 429), {
    timeout: 10_000,
  });
  hangUp.abort();
  await doomed;
  await t.waitFor(async () => assert.equal(await statusOfShortRequest(server), 200), {
    timeout: 5_000,
  });
});

test("a client that hangs up in the queue leaves its place", async (t) => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { ...ONE_SLOT, maxQueuedRequests: 1 },
  });
  const running = new AbortController();
  await runningStream(server, running.signal);
  const body = { ...endless(server), stream: false };
  const waiting = new AbortController();
  const queued = post(`${server.url}/v1/chat/completions`, body, { signal: waiting.signal });
  const ended = assert.rejects(queued);
  await t.waitFor(async () => assert.equal(await statusOfQueuedProbe(server), 429), PATIENCE);
  waiting.abort();
  await ended;
  running.abort();
  await t.waitFor(async () => assert.equal(await statusOfShortRequest(server), 200), {
    timeout: 5_000,
  });
});

/** 429 when the queue has no place left; otherwise the probe takes the place and gives it back. */
async function statusOfQueuedProbe(server: ModelServer): Promise<number> {
  const body = { model: server.modelId, prompt: "town", max_tokens: 1 };
  const signal = AbortSignal.timeout(200);
  const response = await post(`${server.url}/v1/completions`, body, { signal });
  await text(response.body);
  return response.status;
}

test("beyond the queue the answer is 429 with Retry-After, and the client's retries get through", async () => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { ...ONE_SLOT, contextTokens: 4096 },
  });
  const hangUp = new AbortController();
  await runningStream(server, hangUp.signal);
  const body = { model: server.modelId, prompt: "town", max_tokens: 1 };
  const { status, headers, json } = await postJson(`${server.url}/v1/completions`, body);
  assert.equal(status, 429);
  assert.ok(Number(headers["retry-after"]) >= 1 && Number(headers["retry-after"]) <= 60);
  assert.equal((json as { error: { code: string } }).error.code, "rate_limit_exceeded");
  const patient = server.client({ maxRetries: 5 }).completions.create(body);
  hangUp.abort();
  assert.equal((await patient).choices.length, 1);
});

test("SIGTERM: not ready at once, streams finish, then the process ends with 0", async () => {
  await using server = await ModelServer.ready({
    weightsPath,
    drainTimeoutMs: 60_000,
    engine: { slots: 1, contextTokens: 2048 },
  });
  const events = await runningStream(server);
  server.process.kill("SIGTERM");
  await server.until(({ state }) => state === "draining");
  const probe = await fetch(`${server.url}/readyz`);
  assert.equal(probe.status, 503);
  assert.equal(((await probe.json()) as { state: string }).state, "draining");
  const rest = await Array.fromAsync(events);
  assert.equal(rest.at(-1), "[DONE]");
  assert.equal((await server.exit()).code, 0);
});

test("SIGTERM: a stream that outlives the deadline is told so, and the process ends", async () => {
  await using server = await ModelServer.ready({
    weightsPath,
    drainTimeoutMs: 100,
    engine: { slots: 1, contextTokens: CONTEXT_TOKENS },
  });
  const events = await runningStream(server);
  const enginePid = await server.enginePid();
  server.process.kill("SIGTERM");
  const rest = await Array.fromAsync(events);
  assert.notEqual(rest.at(-1), "[DONE]");
  assert.match(rest.at(-1) ?? "", /"error"/);
  await server.exit();
  assert.ok(!isRunning(enginePid), "the engine outlived its parent");
});

test("a second signal ends the process at once", async (t) => {
  await using server = await ModelServer.ready({
    weightsPath,
    drainTimeoutMs: 600_000,
    engine: { slots: 1, contextTokens: CONTEXT_TOKENS },
  });
  const events = await runningStream(server);
  server.process.kill("SIGTERM");
  // Two signals in quick succession are one: npm forwards the Ctrl-C that the terminal sends as well.
  await t.waitFor(
    () => {
      server.process.kill("SIGTERM");
      assert.ok(server.exited);
    },
    { timeout: 10_000 },
  );
  // Broken off: an error event, or no end at all; never a clean one.
  const rest = await Array.fromAsync(events).catch(() => []);
  assert.notEqual(rest.at(-1), "[DONE]");
});

test("an engine does not outlive a killed parent", async (t) => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { slots: 1, contextTokens: 2048 },
  });
  const enginePid = await server.enginePid();
  server.process.kill("SIGKILL");
  await t.waitFor(() => assert.ok(!isRunning(enginePid)), { timeout: 10_000 });
});

const broken: { name: string; write: (path: string) => Promise<void> }[] = [
  { name: "a truncated GGUF", write: (path) => writeTruncated(path, weightsPath, 0.5) },
  { name: "an HTML page", write: writeHtml },
  { name: "a file with another magic", write: (path) => writeWrongMagic(path, weightsPath) },
  { name: "an empty file", write: (path) => writeFile(path, "") },
  { name: "a folder's missing file", write: async () => {} },
];

for (const { name, write } of broken) {
  test(`${name} is never served, and the reason is told`, async () => {
    const path = folder.file(`${name}.gguf`);
    await write(path);
    await using server = new ModelServer({ weightsPath: path });
    const state = await server.until((now) => now.state === "failed");
    assert.ok(state.message.includes(path), `"${state.message}" does not say which file`);
    const { status, headers, json } = await postJson(`${server.url}/v1/completions`, {
      model: server.modelId,
      prompt: "x",
    });
    assert.equal(status, 503);
    assert.equal(headers["x-should-retry"], "false");
    assert.equal((json as { error: { code: string } }).error.code, "model_failed");
    assert.equal(await readiness(server), 503);
  });
}

test("a port that is taken is said in one sentence, and the process ends", async (t) => {
  const squatter = createServer().listen(0, "127.0.0.1");
  t.after(() => squatter.close());
  await new Promise((resolve) => squatter.once("listening", resolve));
  const { port } = squatter.address() as { port: number };
  await using server = new ModelServer({ weightsPath, port });
  assert.notEqual((await server.exit()).code, 0);
  assert.match(server.output, new RegExp(`${port}`));
  assert.match(server.output, /another program already uses port/);
});

test("two streams at once never mix, whoever hangs up between them", async () => {
  await using server = await ModelServer.ready({
    weightsPath,
    engine: { slots: 4, contextTokens: 2048 },
  });
  const client = server.client();
  const ask = async (number: number) => {
    const prompt = `number ${number}`;
    // Greedy: of weights that are not quantised, some CPUs compute a token alone in its batch a little
    // differently from one in company, and sampling turns the smallest difference into another text.
    const body = {
      model: server.modelId,
      prompt,
      temperature: 0,
      max_tokens: 60,
      ignore_eos: true,
    };
    const answer = await client.completions.create(body);
    return answer.choices[0]?.text;
  };
  const numbers = Array.from({ length: 12 }, (_, number) => number);
  const alone: (string | undefined)[] = [];
  for (const number of numbers) alone.push(await ask(number));
  assert.ok(
    new Set(alone).size > numbers.length / 2,
    "answers that are all alike would show nothing",
  );
  const leavers = numbers.map(async () => {
    const hangUp = new AbortController();
    await runningStream(server, hangUp.signal).catch(() => undefined);
    hangUp.abort();
  });
  const together = await Promise.all(numbers.map(ask));
  await Promise.all(leavers);
  assert.deepEqual(together, alone);
});
