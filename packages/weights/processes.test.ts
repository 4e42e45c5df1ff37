import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { FetchingProcess } from "../../test/support/fetching-process.ts";
import { FileServer } from "../../test/support/file-server.ts";
import { partialHas } from "../../test/support/partial-files.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";

const MODEL = sampleGguf({ rows: 64 });

/** A download that hangs until the server says otherwise. */
async function setUp(stallAfter: number) {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(() => ({ body: MODEL, stallAfter }));
  return {
    folder,
    server,
    source: { http: { url: server.url("/model.gguf") } },
    options: { cacheDir: folder.file("cache"), environment: { HF_HOME: folder.file("no-hub") } },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test(
  "after kill -9 at any byte the next process continues there",
  { timeout: 60_000 },
  async () => {
    const property = fc.asyncProperty(fc.integer({ min: 1, max: MODEL.length }), async (bytes) => {
      await using it = await setUp(bytes);
      const victim = new FetchingProcess(it.source, it.options);
      await partialHas(it.folder, bytes);
      await victim.kill();
      it.server.script = () => ({ body: MODEL });
      const weights = await fetchInto(it.folder, it.source);
      assert.deepEqual(await readFile(weights.path), MODEL);
      assert.equal(it.server.seen.at(-1)?.headers.range, `bytes=${bytes}-`);
    });
    await fc.assert(property, { numRuns: 6, examples: [[1], [MODEL.length - 1]] });
  },
);

test("what a crash leaves in any other state is fetched cleanly", async () => {
  await using it = await setUp(0);
  it.server.script = () => ({
    body: MODEL,
    cutAfter: 50_000,
    cutWhen: () => partialHas(it.folder, 50_000),
  });
  const retry = { retries: 0, retriesWithAlternative: 0, firstDelayMs: 1, maxDelayMs: 1 };
  await assert.rejects(fetchInto(it.folder, it.source, { retry }), /50\.0 kB are kept/);
  const partials = it.folder.file("cache/partial");
  const names = await readdir(partials);
  assert.equal(names.length, 2, "bytes and their record");
  const record = names.find((name) => name.endsWith(".json")) ?? "";
  for (const damage of ["", '{"source"', '{"source":1}', '{"other":true}']) {
    await writeFile(`${partials}/${record}`, damage);
    await assert.rejects(fetchInto(it.folder, it.source, { retry }));
    assert.equal(it.server.seen.at(-1)?.headers.range, undefined, `record: ${damage}`);
  }
});

test(
  "several processes that want the same weights fetch them once",
  { timeout: 60_000 },
  async () => {
    await using it = await setUp(100_000);
    const holder = new FetchingProcess(it.source, it.options);
    await partialHas(it.folder, 100_000);
    const waiters = [1, 2, 3].map(() => new FetchingProcess(it.source, it.options));
    const here = fetchInto(it.folder, it.source, {
      // Once somebody is seen to wait, the holder dies and one of the others takes over.
      onProgress({ phase, receivedBytes, totalBytes }) {
        if (phase !== "waiting") return;
        assert.equal(receivedBytes, 100_000);
        assert.equal(totalBytes, MODEL.length);
        it.server.script = () => ({ body: MODEL });
        void holder.kill();
      },
    });
    const results = await Promise.all([here, ...waiters.map((waiter) => waiter.result())]);
    for (const weights of results) assert.equal(weights?.sha256, sha256Of(MODEL));
    const ranges = it.server.seen.map((seen) => seen.headers.range);
    const downloads = ranges.filter((_, index) => !isRevalidation(it.server.seen[index]));
    assert.deepEqual(downloads, [undefined, "bytes=100000-"]);
  },
);

function isRevalidation(seen: { headers: Record<string, unknown> } | undefined): boolean {
  return seen?.headers["if-none-match"] !== undefined;
}

test("callers within one process share a download, too", async () => {
  await using it = await setUp(0);
  it.server.script = () => ({ body: MODEL });
  const source = { ...it.source, sha256: sha256Of(MODEL) };
  const all = await Promise.all([1, 2, 3, 4].map(() => fetchInto(it.folder, source)));
  assert.equal(new Set(all.map((weights) => weights.path)).size, 1);
  assert.equal(it.server.seen.length, 1);
});

test("a caller that gives up while waiting leaves the download alone", async () => {
  await using it = await setUp(100_000);
  const first = fetchInto(it.folder, it.source, { stallTimeoutMs: 2_000 });
  await partialHas(it.folder, 100_000);
  const controller = new AbortController();
  const second = fetchInto(it.folder, it.source, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("gave up")),
  });
  await assert.rejects(second, /gave up/);
  it.server.script = () => ({ body: MODEL });
  assert.equal((await first).sizeBytes, MODEL.length);
});
