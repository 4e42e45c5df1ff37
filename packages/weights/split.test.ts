import assert from "node:assert/strict";
import { readFile, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { FileServer } from "../../test/support/file-server.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import type { WeightsProgress } from "./progress/progress.ts";
import { parseSplitName, sourcesOfParts } from "./gguf/split-names.ts";

const NAMES = [1, 2, 3].map((part) => `big-0000${part}-of-00003.gguf`);
const PARTS = NAMES.map((_, index) =>
  sampleGguf({ seed: index, rows: 4 + index, split: { part: index + 1, parts: 3 } }),
);
const SIZE = PARTS.reduce((sum, part) => sum + part.length, 0);

function partFor(path: string): Buffer | undefined {
  return PARTS[NAMES.indexOf(basename(path))];
}

async function setUp() {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(({ path }) => {
    const body = partFor(path);
    return body === undefined ? { status: 404 } : { body, etag: `"${basename(path)}"` };
  });
  return {
    folder,
    server,
    source: { http: { url: server.url(`/m/${NAMES[0]}`) } },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("all parts of a split GGUF are fetched and lie beside each other under their names", async () => {
  await using it = await setUp();
  const progress: WeightsProgress[] = [];
  const onProgress = (event: WeightsProgress): unknown => progress.push(event);
  const weights = await fetchInto(it.folder, it.source, { onProgress });
  assert.equal(weights.path, weights.parts[0]);
  assert.equal(weights.sizeBytes, SIZE);
  assert.equal(weights.sha256, sha256Of(PARTS[0] ?? Buffer.alloc(0)));
  assert.deepEqual(
    weights.parts.map((path) => basename(path)),
    NAMES,
  );
  assert.equal(new Set(weights.parts.map((path) => dirname(path))).size, 1);
  for (const [index, path] of weights.parts.entries()) {
    assert.deepEqual(await readFile(path), PARTS[index]);
  }
  assert.ok(progress.every((event) => event.totalBytes === SIZE && event.parts === 3));
  assert.deepEqual(progress.at(-1), {
    phase: "downloading",
    receivedBytes: SIZE,
    totalBytes: SIZE,
    part: 3,
    parts: 3,
  });
});

test("a split GGUF comes from the cache without its server, and after its links were lost", async () => {
  await using it = await setUp();
  const first = await fetchInto(it.folder, it.source);
  await it.server[Symbol.asyncDispose]();
  assert.deepEqual(await fetchInto(it.folder, it.source), first);
  await rm(dirname(first.path), { recursive: true });
  assert.deepEqual(await fetchInto(it.folder, it.source), first);
  assert.deepEqual(await readFile(first.path), PARTS[0]);
});

test("the checksum is that of the first part", async () => {
  await using it = await setUp();
  const right = { ...it.source, sha256: sha256Of(PARTS[0] ?? Buffer.alloc(0)) };
  assert.equal((await fetchInto(it.folder, right)).parts.length, 3);
  const wrong = { ...it.source, sha256: sha256Of(PARTS[1] ?? Buffer.alloc(0)) };
  await using other = await TemporaryFolder.create();
  await assert.rejects(fetchInto(other, wrong), { reason: "ChecksumMismatch" });
});

test("every part is pinned by partsSha256, in the cache and beside each other", async () => {
  await using it = await setUp();
  const partsSha256 = PARTS.map(sha256Of);
  const pinned = { ...it.source, partsSha256 };
  const weights = await fetchInto(it.folder, pinned);
  assert.deepEqual(
    weights.pinned.map(({ path, sha256 }) => [path, sha256]),
    weights.parts.map((path, index) => [path, partsSha256[index]]),
  );
  const second = await realpath(weights.parts[1] ?? "");
  await writeFile(second, PARTS[0] ?? Buffer.alloc(0));
  const again = await fetchInto(it.folder, pinned);
  assert.equal(sha256Of(await readFile(again.parts[1] ?? "")), partsSha256[1]);
  const swapped = [partsSha256[0] ?? "", partsSha256[2] ?? "", partsSha256[1] ?? ""];
  await using other = await TemporaryFolder.create();
  await assert.rejects(fetchInto(other, { ...it.source, partsSha256: swapped }), {
    reason: "ChecksumMismatch",
    message: /00002-of-00003/,
  });
  await assert.rejects(fetchInto(other, { ...it.source, partsSha256: swapped.slice(1) }), {
    reason: "InvalidSource",
    message: /has 2 checksum\(s\), the GGUF has 3 part\(s\) by its name/,
  });
});

test("a part without a checksum is not taken from a mirror, which may have anything", async () => {
  await using it = await setUp();
  const source = {
    http: { url: "http://models.invalid/big-00001-of-00003.gguf" },
    sha256: sha256Of(PARTS[0] ?? Buffer.alloc(0)),
    mirrors: [it.source],
  };
  await assert.rejects(fetchInto(it.folder, source), { reason: "SourceUnavailable" });
  assert.deepEqual(new Set(it.server.seen.map(({ path }) => basename(path))), new Set([NAMES[0]]));
});

test("a source that is down costs its patience once, not once per part", async () => {
  await using it = await setUp();
  const source = {
    http: { url: "http://models.invalid/big-00001-of-00003.gguf" },
    partsSha256: PARTS.map(sha256Of),
    mirrors: [it.source],
  };
  const log: string[] = [];
  await fetchInto(it.folder, source, { log: (message) => log.push(message) });
  assert.equal(log.filter((message) => message.includes("trying the next source")).length, 1);
});

test("parts that do not belong together are found out", async () => {
  await using it = await setUp();
  it.server.script = ({ path }) => ({
    body: PARTS[path.includes("00002") ? 2 : 0] ?? Buffer.alloc(0),
  });
  const failed = fetchInto(it.folder, it.source);
  await assert.rejects(failed, {
    reason: "InvalidSource",
    message: /should be part 2 of 3; the file says it is part 3 of 3/,
  });
});

test("a missing part is an error that names it", async () => {
  await using it = await setUp();
  it.server.script = ({ path }) => {
    const body = path.includes("00003-of") ? undefined : partFor(path);
    return body === undefined ? { status: 404 } : { body };
  };
  const failed = fetchInto(it.folder, it.source);
  await assert.rejects(failed, {
    reason: "NotFound",
    message: /big-00003-of-00003\.gguf: status 404/,
  });
});

test("a part under the name of a whole file is refused with the name it needs", async () => {
  await using it = await setUp();
  it.server.script = () => ({ body: PARTS[0] ?? Buffer.alloc(0) });
  const failed = fetchInto(it.folder, { http: { url: it.server.url("/model.gguf") } });
  await assert.rejects(failed, {
    reason: "InvalidSource",
    message: /ends in "-00001-of-00003\.gguf"/,
  });
});

test("split files of this machine are used where they lie", async () => {
  await using it = await setUp();
  const paths = NAMES.map((name) => it.folder.file(name));
  for (const [index, path] of paths.entries()) {
    await writeFile(path, PARTS[index] ?? Buffer.alloc(0));
  }
  const source = { file: { path: paths[0] ?? "" } };
  const weights = await fetchInto(it.folder, source);
  assert.deepEqual(weights.parts, paths);
  await rm(paths[1] ?? "");
  await assert.rejects(fetchInto(it.folder, source), {
    reason: "NotFound",
    message: /00002-of-00003/,
  });
});

test("only the first part may be named", () => {
  const source = { type: "file", path: "/models/big-00002-of-00003.gguf" } as const;
  assert.throws(() => sourcesOfParts(source), {
    message: /must name the first part, ".*00001-of-00003/,
  });
});

test("parts of a URL keep its query, and names that are not split stay alone", () => {
  const url = "https://models.example/a%20b/x-00001-of-00002.gguf?key=1";
  const sources = sourcesOfParts({ type: "http", url });
  assert.deepEqual(
    sources.map((source) => (source.type === "http" ? source.url : "")),
    [url, "https://models.example/a%20b/x-00002-of-00002.gguf?key=1"],
  );
  for (const name of ["x.gguf", "x-1-of-2.gguf", "x-00001-of-00002.bin", "00001-of-00002.gguf"]) {
    assert.equal(parseSplitName(name), undefined, name);
  }
});
