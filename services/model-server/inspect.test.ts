import assert from "node:assert/strict";
import { mkdir, stat, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Inspection, parseInspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { parseTermination } from "@localmodel/localmodel/contracts/termination.ts";
import { FileServer, type Script } from "../../test/support/file-server.ts";
import { encodeGguf, metadataValue } from "../../test/support/gguf.ts";
import { sampleGguf } from "../../test/support/sample-gguf.ts";
import { smollm2Path } from "../../test/support/smollm2.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { Container } from "./fixtures/container.ts";

const MODEL = sampleGguf();

async function setUp(script: Script = () => ({ body: MODEL })) {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(script);
  return {
    folder,
    server,
    file: (path: string, role = "weights") => ({
      role,
      source: { http: { url: server.url(path) } },
      path: folder.file(`model/${role}/model.gguf`),
    }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function inspectionBy(container: Container): Promise<Inspection | undefined> {
  assert.equal(await container.exit(), 0, container.output);
  return parseInspection(await container.lastWords());
}

test("a real model is described by its header alone", async (t) => {
  const path = await smollm2Path();
  await using it = await setUp();
  const files = [{ role: "weights", source: { file: { path } }, path: "unused" }];
  const container = new Container(t, "inspect", { folder: it.folder, files });
  assert.deepEqual(await inspectionBy(container), {
    architecture: "llama",
    parameters: 134_515_008,
    quantization: "Q4_1",
    sizeBytes: (await stat(path)).size,
    furtherBytes: 0,
    trainContextTokens: 8192,
    vocabularyTokens: 49_152,
    embeddingDimensions: 576,
    layers: 30,
    capabilities: ["chat", "completions"],
    keyValueElements: 30 * 3 * (64 + 64),
    keyElements: 30 * 3 * 64,
  });
});

test("of a file on the web only the beginning is read", async (t) => {
  const big = 50_000_000;
  const header = encodeGguf({
    metadata: { "general.architecture": metadataValue.text("llama") },
    tensors: [],
  });
  const body = Buffer.concat([header, Buffer.alloc(big)]);
  await using it = await setUp(() => ({ body, stallAfter: 1_000_000 }));
  const files = [it.file("/m.gguf")];
  const container = new Container(t, "inspect", { folder: it.folder, files });
  assert.equal((await inspectionBy(container))?.sizeBytes, body.length);
  assert.match(it.server.seen[0]?.headers.range ?? "", /^bytes=0-\d+$/);
});

test("parts and further files are counted", async (t) => {
  const parts = [1, 2].map((part) => sampleGguf({ rows: 8 * part, split: { part, parts: 2 } }));
  await using it = await setUp(({ path }) => ({
    body: path.includes("of-00002") ? (parts[path.includes("00001") ? 0 : 1] ?? MODEL) : MODEL,
  }));
  const files = [it.file("/big-00001-of-00002.gguf"), it.file("/a.gguf", "adapter-0")];
  const inspection = await inspectionBy(new Container(t, "inspect", { folder: it.folder, files }));
  assert.equal(
    inspection?.sizeBytes,
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  assert.equal(inspection.parameters, 24 * 1024);
  assert.equal(inspection.furtherBytes, MODEL.length);
});

test("a mirror is asked when the source does not answer", async (t) => {
  await using it = await setUp(({ path }) => (path === "/m" ? { status: 503 } : { body: MODEL }));
  const source = {
    http: { url: it.server.url("/m") },
    mirrors: [{ http: { url: it.server.url("/mirror") } }],
    sha256: "0".repeat(64),
  };
  const files = [{ ...it.file("/m"), source }];
  const container = new Container(t, "inspect", { folder: it.folder, files });
  assert.equal((await inspectionBy(container))?.sizeBytes, MODEL.length);
});

const hopeless: [name: string, script: Script, reason: string, message: RegExp][] = [
  ["a file that is not there", () => ({ status: 404 }), "NotFound", /status 404/],
  ["a closed door", () => ({ status: 401 }), "Unauthorized", /name a Secret/],
  ["a web page", () => ({ body: Buffer.from("<html>") }), "NotAGguf", /a web page/],
  ["an empty file", () => ({ body: Buffer.alloc(0) }), "NotAGguf", /the file is empty/],
  ["half a header", () => ({ body: MODEL.subarray(0, 90) }), "Truncated", /inside its header/],
  ["half a file", () => ({ body: MODEL.subarray(0, 9999) }), "Truncated", /the end is missing/],
];
for (const [name, script, reason, message] of hopeless) {
  test(`${name} is told with the reason ${reason}`, async (t) => {
    await using it = await setUp(script);
    const files = [it.file("/m.gguf")];
    const container = new Container(t, "inspect", { folder: it.folder, files });
    assert.equal(await container.exit(), 1);
    const words = parseTermination(await container.lastWords());
    assert.equal(words?.reason, reason);
    assert.match(words.message, message);
  });
}

test("a truncated file of a volume is found out", async (t) => {
  await using it = await setUp();
  const path = it.folder.file("volume.gguf");
  await writeFile(path, MODEL);
  await truncate(path, MODEL.length - 1);
  const files = [{ ...it.file("/m"), source: { file: { path } } }];
  const container = new Container(t, "inspect", { folder: it.folder, files });
  assert.equal(await container.exit(), 1);
  assert.equal(parseTermination(await container.lastWords())?.reason, "Truncated");
});

test("a server that cannot answer now is asked again, and /progress says so", async (t) => {
  await using it = await setUp(() => ({ status: 503 }));
  const files = [it.file("/m.gguf")];
  const container = new Container(t, "inspect", { folder: it.folder, files });
  const waiting = await container.until(t, ({ stalled }) => stalled);
  assert.equal(waiting.reason, "SourceUnavailable");
  assert.match(waiting.message, /status 503: .*; trying again in \d+ s/);
  it.server.script = () => ({ body: MODEL });
  assert.equal((await inspectionBy(container))?.architecture, "llama");
});

test("headers of a Secret go to the host they are for, not to where it redirects", async (t) => {
  await using it = await setUp(({ path }) =>
    path === "/m"
      ? { status: 302, headers: { location: `${it.server.origin("localhost")}/cdn` } }
      : { body: MODEL },
  );
  await mkdir(it.folder.file("secrets/weights-0"), { recursive: true });
  await writeFile(it.folder.file("secrets/weights-0/Authorization"), "Basic c2VjcmV0");
  const http = { url: it.server.url("/m"), headersSecretRef: { name: "keys" } };
  const files = [{ ...it.file("/m"), source: { http } }];
  await inspectionBy(new Container(t, "inspect", { folder: it.folder, files }));
  const shown = it.server.seen.map(({ headers }) => headers.authorization);
  assert.deepEqual(shown, ["Basic c2VjcmV0", undefined]);
});

/** A header alone: what it says of itself. */
function headerOf(values: Readonly<Record<string, string | number>>): Buffer {
  const metadata = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === "string" ? metadataValue.text(value) : metadataValue.u32(value),
    ]),
  );
  return encodeGguf({ metadata, tensors: [] });
}

const LLAMA = headerOf({ "general.architecture": "llama", "llama.embedding_length": 960 });
const projector = (kind: string, length: number) =>
  headerOf({
    "general.architecture": "clip",
    "clip.projector_type": kind,
    "clip.vision.projection_dim": length,
  });
const projectors: [name: string, file: Buffer, problem: RegExp | undefined][] = [
  ["of this model", projector("idefics3", 960), undefined],
  ["whose header does not tell", projector("mlp", 768), undefined],
  ["of another model", projector("idefics3", 2048), /vectors of 2048 numbers, .* of 960/],
  [
    "of a kind that is not supported",
    projector("hunyuanvl", 960),
    /kind hunyuanvl .*not supported/,
  ],
  ["that is a model", LLAMA, /no projector .*its architecture is llama, not clip/],
];
for (const [name, file, problem] of projectors) {
  test(`a projector ${name} is ${problem ? "refused" : "counted"}`, async (t) => {
    await using it = await setUp(({ path }) => ({ body: path === "/m" ? LLAMA : file }));
    const files = [it.file("/m"), it.file("/p", "projector")];
    const container = new Container(t, "inspect", { folder: it.folder, files });
    if (problem === undefined) {
      assert.equal((await inspectionBy(container))?.furtherBytes, file.length);
      return;
    }
    assert.equal(await container.exit(), 1);
    const words = parseTermination(await container.lastWords());
    assert.equal(words?.reason, "InvalidSource");
    assert.match(words.message, problem);
  });
}
