import assert from "node:assert/strict";
import { mkdir, readFile, realpath, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import {
  CLEANING_VARIABLE,
  parseFetched,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import { PinnedFiles } from "@localmodel/localmodel/contracts/pinned-file.ts";
import { parseTermination } from "@localmodel/localmodel/contracts/termination.ts";
import { fingerprintOf } from "@localmodel/weights/cache/fingerprint.ts";
import { verifyPinned } from "@localmodel/weights/pinned-files.ts";
import { FileServer, type Script } from "../../test/support/file-server.ts";
import { freePort } from "../../test/support/free-ports.ts";
import { partialHas } from "../../test/support/partial-files.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { Container } from "./fixtures/container.ts";

const MODEL = sampleGguf({ rows: 64 });
const ADAPTER = sampleGguf({ seed: 2 });
const SECRET = { name: "hub", key: "hf-token" };

async function setUp(script: Script = () => ({ body: MODEL })) {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(script);
  const source = { http: { url: server.url("/m.gguf") } };
  return {
    folder,
    server,
    source,
    weights: { role: "weights", source, path: folder.file("model/weights/model.gguf") },
    adapter: {
      role: "adapter-0",
      source: { http: { url: server.url("/a.gguf") } },
      path: folder.file("model/adapter-0/model.gguf"),
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("files are fetched, verified and linked under the names the server expects", async (t) => {
  await using it = await setUp(({ path }) => ({ body: path === "/a.gguf" ? ADAPTER : MODEL }));
  const { adapter } = it;
  const weights = { ...it.weights, source: { ...it.source, sha256: sha256Of(MODEL) } };
  const container = new Container(t, "fetch", { folder: it.folder, files: [weights, adapter] });
  assert.equal(await container.exit(), 0, container.output);
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.deepEqual(await readFile(adapter.path), ADAPTER);
  const blob = it.folder.file(`cache/blobs/${sha256Of(MODEL)}.gguf`);
  assert.equal(await realpath(weights.path), await realpath(blob));
  assert.deepEqual(parseFetched(await container.lastWords()), [sha256Of(MODEL), sha256Of(ADAPTER)]);
  const pinned = JSON.parse(await readFile(it.folder.file("pinned-files.json"), "utf8"));
  assert.deepEqual(await verifyPinned(PinnedFiles.parse(pinned), AbortSignal.timeout(10_000)), [
    {
      path: weights.path,
      sha256: sha256Of(MODEL),
      fingerprint: fingerprintOf(await stat(weights.path, { bigint: true })),
    },
  ]);
});

/** The adapter, long ago, and then the weights, by a container that is told what has to stay. */
async function cleaned(
  t: TestContext,
  it: Awaited<ReturnType<typeof setUp>>,
  told: object,
  files = [it.weights],
) {
  const before = new Container(t, "fetch", { folder: it.folder, files: [it.adapter] });
  assert.equal(await before.exit(), 0, before.output);
  const adapter = it.folder.file(`cache/blobs/${sha256Of(ADAPTER)}`);
  const then = new Date(Date.now() - 40 * 86_400_000);
  await utimes(`${adapter}.json`, then, then);
  const cleaning = {
    decidedAtMs: Date.now(),
    keepBlobs: [],
    keepSources: [],
    maxAgeDays: 30,
    ...told,
  };
  const environment = { [CLEANING_VARIABLE]: JSON.stringify(cleaning) };
  const container = new Container(t, "fetch", {
    folder: it.folder,
    files,
    environment,
  });
  assert.equal(await container.exit(), 0, container.output);
  return stat(`${adapter}.gguf`).then(
    () => "there",
    () => "gone",
  );
}

test("before new files come, those go that nobody wants, unless it was said too long ago", async (t) => {
  const script: Script = ({ path }) => ({ body: path === "/a.gguf" ? ADAPTER : MODEL });
  await using first = await setUp(script);
  assert.equal(await cleaned(t, first, {}), "gone");
  await using second = await setUp(script);
  assert.equal(await cleaned(t, second, { keepBlobs: [sha256Of(ADAPTER)] }), "there");
  await using third = await setUp(script);
  assert.equal(await cleaned(t, third, { decidedAtMs: Date.now() - 2 * 86_400_000 }), "there");
  await using alone = await setUp(script);
  assert.equal(await cleaned(t, alone, {}, []), "gone", "nothing new has to come");
});

test("the log has a line for every tenth of a download", async (t) => {
  await using it = await setUp();
  const container = new Container(t, "fetch", { folder: it.folder, files: [it.weights] });
  await container.exit();
  const lines = container.output.split("\n").filter((line) => line.includes("Downloading"));
  assert.ok(lines.length >= 2 && lines.length <= 12, container.output);
});

test("the parts of a split GGUF lie next to each other under their own names", async (t) => {
  const parts = [1, 2].map((part) => sampleGguf({ seed: part, split: { part, parts: 2 } }));
  await using it = await setUp(({ path }) => ({
    body: parts[path.includes("00001") ? 0 : 1] ?? MODEL,
  }));
  const weights = {
    role: "weights",
    source: { http: { url: it.server.url(`/${partName(1)}`) } },
    path: it.folder.file(`model/weights/${partName(1)}`),
  };
  const container = new Container(t, "fetch", { folder: it.folder, files: [weights] });
  assert.equal(await container.exit(), 0, container.output);
  for (const [index, part] of parts.entries()) {
    assert.deepEqual(await readFile(it.folder.file(`model/weights/${partName(index + 1)}`)), part);
  }
});

test("a file of a volume is verified and linked, not copied; a missing one is named", async (t) => {
  await using it = await setUp();
  const path = it.folder.file("volume.gguf");
  await writeFile(path, MODEL);
  const source = { file: { path }, sha256: sha256Of(MODEL) };
  const files = [{ ...it.weights, source }];
  const found = new Container(t, "fetch", { folder: it.folder, files });
  assert.equal(await found.exit(), 0, found.output);
  assert.equal(await realpath(it.weights.path), await realpath(path));

  const missing = [{ ...it.weights, source: { file: { path: `${path}.old` } } }];
  const container = new Container(t, "fetch", { folder: it.folder, files: missing });
  assert.equal(await container.exit(), 1);
  const words = parseTermination(await container.lastWords());
  assert.equal(words?.reason, "NotFound");
  assert.match(words.message, /there is no file .*volume\.gguf\.old/);
});

const hopeless: [name: string, script: Script, sha256: string | undefined, reason: string][] = [
  ["a file that is not there", () => ({ status: 404 }), undefined, "NotFound"],
  ["a closed door", () => ({ status: 401 }), undefined, "Unauthorized"],
  ["a web page", () => ({ body: Buffer.from("<html>".repeat(99)) }), undefined, "NotAGguf"],
  ["another file", () => ({ body: ADAPTER }), sha256Of(MODEL), "ChecksumMismatch"],
  ["half a file", () => ({ body: MODEL.subarray(0, 99_999) }), undefined, "Truncated"],
];
for (const [name, script, sha256, reason] of hopeless) {
  test(`${name} ends the container with the reason ${reason}`, async (t) => {
    await using it = await setUp(script);
    const source = { ...it.source, ...(sha256 !== undefined && { sha256 }) };
    const files = [{ ...it.weights, source }];
    const container = new Container(t, "fetch", { folder: it.folder, files });
    assert.equal(await container.exit(), 1);
    assert.equal(parseTermination(await container.lastWords())?.reason, reason);
    await assert.rejects(readFile(it.weights.path), { code: "ENOENT" });
  });
}

test("a server that is down is waited for, and /progress says so", async (t) => {
  await using it = await setUp();
  const port = await freePort();
  const source = { http: { url: `http://127.0.0.1:${port}/m.gguf` } };
  const files = [{ ...it.weights, source }];
  const container = new Container(t, "fetch", { folder: it.folder, files });
  const waiting = await container.until(t, (progress) => progress.stalled);
  assert.match(waiting.message, /no connection to 127\.0\.0\.1:\d+ \(ECONNREFUSED\); trying again/);
  const late = createServer((_req, res) => res.end(MODEL)).listen(port, "127.0.0.1");
  t.after(() => late.close());
  assert.equal(await container.exit(), 0, container.output);
  assert.deepEqual(await readFile(it.weights.path), MODEL);
});

test("told to end it ends at once, and the next continues", async (t) => {
  await using it = await setUp(() => ({ body: MODEL, stallAfter: 100_000 }));
  const files = [it.weights];
  const first = new Container(t, "fetch", { folder: it.folder, files });
  await partialHas(it.folder, 100_000);
  const seen = await first.until(t, ({ totalBytes }) => totalBytes === MODEL.length);
  assert.match(seen.message, /^Downloading weights: \d+ % of 262 kB$/);
  first.process.kill("SIGTERM");
  assert.equal(await first.exit(), 143);
  it.server.script = () => ({ body: MODEL });
  const second = new Container(t, "fetch", { folder: it.folder, files });
  assert.equal(await second.exit(), 0, second.output);
  assert.equal(it.server.seen.at(-1)?.headers.range, "bytes=100000-");
});

test("a Secret that does not exist is waited for by name, and used when it appears", async (t) => {
  await using it = await setUp(({ headers }) =>
    headers.authorization === "Bearer hf_1" ? { body: MODEL } : { status: 401 },
  );
  const hub = { repo: "o/n", file: "m.gguf", revision: "main", tokenSecretRef: SECRET };
  const files = [{ ...it.weights, source: { huggingFace: hub } }];
  const environment = { HF_ENDPOINT: it.server.origin() };
  const container = new Container(t, "fetch", { folder: it.folder, files, environment });
  const waiting = await container.until(t, ({ reason }) => reason === "SecretMissing");
  assert.match(waiting.message, /there is no Secret "hub" with the key "hf-token"/);
  assert.equal(it.server.seen.length, 0);
  await mkdir(it.folder.file("secrets/weights-0"), { recursive: true });
  await writeFile(it.folder.file("secrets/weights-0/token"), "hf_1\n");
  assert.equal(await container.exit(), 0, container.output);
});

test("each mirror has its own credentials, and none gets another's", async (t) => {
  await using it = await setUp(({ headers }) =>
    headers["x-key"] === "right" ? { body: MODEL } : { status: 403 },
  );
  await using other = await FileServer.start(() => ({ status: 404 }));
  for (const [candidate, value] of ["first", "right"].entries()) {
    await mkdir(it.folder.file(`secrets/weights-${candidate}`), { recursive: true });
    await writeFile(it.folder.file(`secrets/weights-${candidate}/X-Key`), value);
  }
  const headersSecretRef = { name: "keys" };
  const source = {
    http: { url: other.url("/m.gguf"), headersSecretRef },
    mirrors: [{ http: { url: it.server.url("/m.gguf"), headersSecretRef } }],
    sha256: sha256Of(MODEL),
  };
  const files = [{ ...it.weights, source }];
  const container = new Container(t, "fetch", { folder: it.folder, files });
  assert.equal(await container.exit(), 0, container.output);
  assert.deepEqual(
    other.seen.map(({ headers }) => headers["x-key"]),
    ["first"],
  );
  assert.deepEqual(
    it.server.seen.map(({ headers }) => headers["x-key"]),
    ["right"],
  );
  assert.equal(container.output.includes("right"), false, "a secret in the log");
});

test("a configuration that makes no sense is told completely", async (t) => {
  await using it = await setUp();
  const environment = { FETCH_CONFIG: '{"files":[]}' };
  const container = new Container(t, "fetch", { folder: it.folder, files: [], environment });
  assert.equal(await container.exit(), 2);
  assert.equal(parseTermination(await container.lastWords())?.reason, "BadConfiguration");
});

function partName(part: number): string {
  return `big-0000${part}-of-00002.gguf`;
}
