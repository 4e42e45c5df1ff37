import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Answer, FileServer } from "../../../test/support/file-server.ts";
import { partialHas } from "../../../test/support/partial-files.ts";
import { sampleGguf, sha256Of } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fetchInto } from "../../../test/support/weights-fetch.ts";
import type { WeightsError } from "../source/weights-error.ts";

const MODEL = sampleGguf();
const OTHER = sampleGguf({ seed: 2 });

async function failureOf(work: Promise<unknown>): Promise<WeightsError> {
  const error = await work.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason as WeightsError,
  );
  assert.equal(error.name, "WeightsError", String(error));
  return error;
}

/** Serves the answers one after the other, and the last one from then on. */
function inTurn(...answers: readonly Answer[]) {
  return (_: unknown, index: number): Answer => answers[Math.min(index, answers.length - 1)] ?? {};
}

async function setUp(...answers: readonly Answer[]) {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(inTurn(...answers));
  return {
    folder,
    server,
    arrived: (bytes: number) => partialHas(folder, bytes),
    source: { http: { url: server.url("/model.gguf") } },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a file arrives whole, under the name of its content, and nothing else is left", async () => {
  await using it = await setUp({ body: MODEL });
  const weights = await fetchInto(it.folder, it.source);
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.equal(weights.sha256, sha256Of(MODEL));
  assert.equal(weights.sizeBytes, MODEL.length);
  assert.deepEqual(weights.parts, [weights.path]);
  assert.match(weights.path, new RegExp(`${sha256Of(MODEL)}\\.gguf$`));
  assert.deepEqual(await readdir(it.folder.file("cache/partial")), []);
});

test("whatever bytes the connection breaks at, the file arrives whole", async () => {
  const cuts = fc.array(fc.integer({ min: 0, max: MODEL.length }), { maxLength: 4 });
  const servers = fc.record({
    honoursRange: fc.boolean(),
    chunked: fc.boolean(),
    etag: fc.constantFrom('"strong"', 'W/"weak"', null),
    lastModified: fc.boolean(),
  });
  const property = fc.asyncProperty(cuts, servers, fc.boolean(), async (at, kind, pinned) => {
    const { lastModified, ...behaviour } = kind;
    const headers = lastModified ? { "last-modified": "Tue, 01 Jul 2025 10:00:00 GMT" } : {};
    const answer = { body: MODEL, headers, ...behaviour };
    await using it = await setUp(...at.map((cutAfter) => ({ ...answer, cutAfter })), answer);
    const checksum = pinned ? { sha256: sha256Of(MODEL) } : {};
    const retry = { retries: 6, retriesWithAlternative: 1, firstDelayMs: 1, maxDelayMs: 2 };
    const weights = await fetchInto(it.folder, { ...it.source, ...checksum }, { retry });
    assert.deepEqual(await readFile(weights.path), MODEL);
  });
  await fc.assert(property, { numRuns: 40 });
});

test("a broken download is continued with Range and If-Range, not repeated", async () => {
  await using it = await setUp();
  const answer = { body: MODEL, etag: '"v1"' };
  const broken = { ...answer, cutAfter: 20_000, cutWhen: () => it.arrived(20_000) };
  it.server.script = inTurn(broken, answer);
  await fetchInto(it.folder, it.source);
  assert.equal(it.server.seen[1]?.headers.range, "bytes=20000-");
  assert.equal(it.server.seen[1]?.headers["if-range"], '"v1"');
});

test("a weak entity tag is not used to continue; the date is", async () => {
  const headers = { "last-modified": "Tue, 01 Jul 2025 10:00:00 GMT" };
  const answer = { body: MODEL, etag: 'W/"v1"', headers };
  await using it = await setUp();
  const broken = { ...answer, cutAfter: 20_000, cutWhen: () => it.arrived(20_000) };
  it.server.script = inTurn(broken, answer);
  await fetchInto(it.folder, it.source);
  assert.equal(it.server.seen[1]?.headers["if-range"], headers["last-modified"]);
});

test("a file that changes between two attempts is fetched from its start", async () => {
  for (const ignoresIfRange of [false, true]) {
    await using it = await setUp();
    it.server.script = inTurn(
      { body: MODEL, etag: '"v1"', cutAfter: 20_000, cutWhen: () => it.arrived(20_000) },
      { body: OTHER, etag: '"v2"', ignoresIfRange },
    );
    const weights = await fetchInto(it.folder, it.source);
    assert.deepEqual(await readFile(weights.path), OTHER);
    assert.equal(it.server.seen[1]?.headers["if-range"], '"v1"');
  }
});

test("bytes of one version continued with another are found out by the checksum and fetched again", async () => {
  // No validator at all, so only the checksum can tell.
  await using it = await setUp();
  it.server.script = inTurn(
    { body: OTHER, etag: null, cutAfter: 20_000, cutWhen: () => it.arrived(20_000) },
    { body: MODEL, etag: null },
  );
  const weights = await fetchInto(it.folder, { ...it.source, sha256: sha256Of(MODEL) });
  assert.deepEqual(await readFile(weights.path), MODEL);
  const ranges = it.server.seen.map((seen) => seen.headers.range);
  assert.deepEqual(ranges, [undefined, "bytes=20000-", undefined]);
});

test("a Content-Length that is too long ends well: the rest turns out to be nothing", async () => {
  await using it = await setUp();
  const headers = { "content-length": String(MODEL.length + 100) };
  const { length } = MODEL;
  const broken = { body: MODEL, headers, cutAfter: length, cutWhen: () => it.arrived(length) };
  it.server.script = inTurn(broken, { body: MODEL });
  const weights = await fetchInto(it.folder, it.source);
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.equal(it.server.seen[1]?.headers.range, `bytes=${length}-`);
});

test("a Content-Length that is too short is reported as a truncated file", async () => {
  await using it = await setUp({ body: MODEL.subarray(0, MODEL.length - 1) });
  const error = await failureOf(fetchInto(it.folder, it.source));
  assert.equal(error.reason, "Truncated");
  assert.match(error.message, new RegExp(`${MODEL.length - 1} bytes.*${MODEL.length}`));
});

test("a body that is compressed although nobody asked is decompressed, and never continued", async () => {
  const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
  for (const [coding, compress] of Object.entries(codings)) {
    const answer = {
      body: compress(MODEL),
      etag: `"${coding}"`,
      headers: { "content-encoding": coding },
    };
    await using it = await setUp({ ...answer, cutAfter: 15_000 }, answer);
    const weights = await fetchInto(it.folder, it.source);
    assert.deepEqual(await readFile(weights.path), MODEL, coding);
    assert.equal(it.server.seen[0]?.headers["accept-encoding"], "identity");
    assert.equal(it.server.seen[1]?.headers.range, undefined);
  }
});

test("a server that stalls is left and asked again for the rest", async () => {
  await using it = await setUp({ body: MODEL, stallAfter: 10_000 }, { body: MODEL });
  const weights = await fetchInto(it.folder, it.source, { stallTimeoutMs: 200 });
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.equal(it.server.seen[1]?.headers.range, "bytes=10000-");
});

test("a server that only stalls is reported as such, and so is one that never answers", async () => {
  await using it = await setUp({ body: MODEL, stallAfter: 0 });
  const error = await failureOf(fetchInto(it.folder, it.source, { stallTimeoutMs: 50 }));
  assert.equal(error.reason, "Stalled");
  assert.match(error.message, /not a byte arrived/);
});

test("the overall deadline ends a download that only trickles, and keeps what has arrived", async () => {
  await using it = await setUp({ body: MODEL, stallAfter: 5_000 });
  const error = await failureOf(fetchInto(it.folder, it.source, { overallTimeoutMs: 1000 }));
  assert.equal(error.reason, "DeadlineExceeded");
  it.server.script = () => ({ body: MODEL });
  await fetchInto(it.folder, it.source);
  assert.equal(it.server.seen.at(-1)?.headers.range, "bytes=5000-");
});

test("aborting ends with the signal's reason and keeps what has arrived", async () => {
  await using it = await setUp({ body: MODEL, stallAfter: 5_000 });
  const controller = new AbortController();
  const fetching = fetchInto(it.folder, it.source, { signal: controller.signal });
  await it.arrived(5_000);
  controller.abort(new Error("no longer needed"));
  await assert.rejects(fetching, /no longer needed/);
  it.server.script = () => ({ body: MODEL });
  await fetchInto(it.folder, it.source);
  assert.equal(it.server.seen.at(-1)?.headers.range, "bytes=5000-");
});

test("statuses that pass are waited out, also in the middle of a download", async () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    await using it = await setUp(
      { status },
      { body: MODEL, cutAfter: 8_000 },
      { status, headers: { "retry-after": "0" } },
      { body: MODEL },
    );
    const weights = await fetchInto(it.folder, it.source);
    assert.deepEqual(await readFile(weights.path), MODEL, `status ${status}`);
  }
});

test("statuses that do not pass are reported at once, each with its reason", async () => {
  const cases = [
    [401, "Unauthorized"],
    [403, "Unauthorized"],
    [404, "NotFound"],
    [410, "NotFound"],
    [400, "SourceUnavailable"],
    [416, "SourceUnavailable"],
    [204, "SourceUnavailable"],
  ] as const;
  for (const [status, reason] of cases) {
    await using it = await setUp({ status });
    const error = await failureOf(fetchInto(it.folder, it.source));
    assert.equal(error.reason, reason);
    assert.match(error.message, new RegExp(`/model\\.gguf: status ${status}`));
    assert.equal(it.server.seen.length, 1);
  }
});

test("a 416 for bytes that cannot be continued leads to a download from the start", async () => {
  await using it = await setUp();
  it.server.script = inTurn(
    { body: MODEL, etag: '"v1"', cutAfter: 20_000, cutWhen: () => it.arrived(20_000) },
    { status: 416, headers: { "content-range": "bytes */10" } },
    { body: MODEL },
  );
  const weights = await fetchInto(it.folder, it.source);
  assert.deepEqual(await readFile(weights.path), MODEL);
  const ranges = it.server.seen.map((seen) => seen.headers.range);
  assert.deepEqual(ranges, [undefined, "bytes=20000-", undefined]);
});

test("a server that always breaks at the same byte is given up", async () => {
  await using it = await setUp({ body: MODEL, cutAfter: 9_000, honoursRange: false });
  const error = await failureOf(fetchInto(it.folder, it.source));
  assert.equal(error.reason, "SourceUnavailable");
  assert.match(error.message, /the connection to 127\.0\.0\.1:\d+ broke .* times in a row/);
});

test("what is no GGUF is named for what it is, after its first bytes", async () => {
  const cases: readonly (readonly [string | Buffer, RegExp])[] = [
    ["<!DOCTYPE html><title>Sign in</title>", /there is a web page \(/],
    ['{"error":"no such model"}', /there is JSON \(an answer/],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", /Git LFS pointer/],
    [gzipSync(MODEL), /gzip-compressed/],
    ["", /empty/],
    ["GGUF", /ends inside its header/],
  ];
  for (const [body, message] of cases) {
    await using it = await setUp({ body: Buffer.from(body) });
    const error = await failureOf(fetchInto(it.folder, it.source));
    assert.match(error.message, message);
    assert.deepEqual(await readdir(it.folder.file("cache/partial")), []);
  }
});

test("a web page of any length is given up after its first bytes", async () => {
  const page = Buffer.concat([Buffer.from("<html>"), Buffer.alloc(100_000, " ")]);
  await using it = await setUp({ body: page, stallAfter: 2_000 });
  const error = await failureOf(fetchInto(it.folder, it.source));
  assert.equal(error.reason, "NotAGguf");
});

test("a wrong checksum is an error that names both, and the file is not kept", async () => {
  await using it = await setUp({ body: OTHER });
  const error = await failureOf(fetchInto(it.folder, { ...it.source, sha256: sha256Of(MODEL) }));
  assert.equal(error.reason, "ChecksumMismatch");
  assert.ok(error.message.includes(sha256Of(OTHER)));
  assert.ok(error.message.includes(sha256Of(MODEL)));
  assert.deepEqual(await readdir(it.folder.file("cache/partial")), []);
});

test("a file bigger than the disk is refused before its first byte", async () => {
  const petabyte = { "content-length": String(10 ** 15) };
  await using it = await setUp({ body: MODEL, headers: petabyte, stallAfter: 0 });
  const error = await failureOf(fetchInto(it.folder, it.source));
  assert.equal(error.reason, "DiskFull");
  assert.match(error.message, /1\.00 PB are needed/);
  assert.equal(it.server.seen.length, 1);
});
