/**
 * Requests that are nearly right, by the thousand, through the API service to a real engine.
 *
 * FUZZ_REQUESTS is how many (5000), FUZZ_SEED which (1): the same seed makes the same requests. At night, with another
 * seed each time: FUZZ_REQUESTS=100000 FUZZ_SEED=$(date +%s) npx node --test --test-timeout=36000000 test/attacks/fuzz.test.ts
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ApiProcess } from "../support/api-process.ts";
import { FUZZED_PATHS } from "../support/fuzzed-dialects.ts";
import { type FuzzedRequest, fuzzedRequest } from "../support/fuzzed-requests.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? 5000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const AT_ONCE = 8;
/** Made at a time. */
const BATCH = 500;

/** A 503 says that it is one: a model that is not there. */
const DECLARED: ReadonlySet<unknown> = new Set(["model_loading"]);

/** Every refusal is in the form of its endpoint's API: a sentence of Ollama's, an object of the others'. */
function isAllowed({ path, headers, status, text }: Answered): boolean {
  if (status === 200) return true;
  const { error, type } = JSON.parse(text) as { error: unknown; type?: unknown };
  const isRefusal = status >= 400 && status < 500;
  if (path.startsWith("/api/")) return typeof error === "string" && isRefusal;
  const { message, code } = error as { message: unknown; code: unknown };
  if (typeof message !== "string") return false;
  if (path.startsWith("/v1/messages")) {
    return isRefusal && type === "error" && headers.has("request-id");
  }
  return isRefusal || (status === 503 && DECLARED.has(code));
}

type Answered = {
  readonly path: string;
  readonly headers: Headers;
  readonly status: number;
  readonly text: string;
};

test(`${REQUESTS} requests that are nearly right get an answer or a refusal, and end no process`, async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath);
  const engine = { slots: 4, contextTokens: 128 };
  const server = await ModelServer.ready({ weightsPath, modelId: "m", engine });
  t.after(() => server[Symbol.asyncDispose]());
  const enginePid = await server.enginePid();
  const api = await ApiProcess.start({ models: [{ id: "m", endpoints: [server.url], slots: 4 }] });
  t.after(() => api.stop());

  const statuses = new Map<number, number>();
  const answered = new Set<string>();
  const send = async ({ path, headers, body }: FuzzedRequest, index: number): Promise<void> => {
    const init = { method: "POST", headers, body: new Uint8Array(body) };
    const response = await fetch(api.url + path, init);
    const text = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const what = `request ${index} of seed ${SEED}: ${response.status} ${text.slice(0, 500)}`;
    const { status, headers: told } = response;
    if (status === 200) answered.add(path);
    assert.ok(
      isAllowed({ path, headers: told, status, text }),
      `${what}\n${body.toString().slice(0, 2000)}`,
    );
  };
  for (let first = 0; first < REQUESTS; first += BATCH) {
    const numRuns = Math.min(BATCH, REQUESTS - first);
    const batch = fc.sample(fuzzedRequest, { numRuns, seed: SEED + first }).entries();
    const sender = async () => {
      for (const [index, request] of batch) await send(request, first + index);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(statuses)));
  assert.ok((statuses.get(200) ?? 0) > REQUESTS / 20, "hardly anything was answered");
  const able = FUZZED_PATHS.filter((path) => !/embed|rerank/.test(path));
  assert.deepEqual(
    able.filter((path) => !answered.has(path)),
    [],
    "some endpoints answered nothing",
  );
  const right = { model: "m", messages: [{ role: "user", content: "Hi" }], max_tokens: 4 };
  assert.equal((await api.post("/v1/chat/completions", right)).status, 200);
  assert.equal(await server.enginePid(), enginePid);
  assert.ok(!server.exited && api.process.exitCode === null);
});
