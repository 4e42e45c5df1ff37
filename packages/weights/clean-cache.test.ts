import assert from "node:assert/strict";
import { readdir, rename, stat, utimes, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { DAY_MS } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import { FileServer } from "../../test/support/file-server.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { CacheLayout } from "./cache/cache-layout.ts";
import { removeBlob, unusedBlobs } from "./cache/unused-blobs.ts";
import { cleanCache } from "./clean-cache.ts";

const MODELS = new Map(["a", "b", "c"].map((name, seed) => [name, sampleGguf({ seed })]));
const NOW_MS = Date.now();

const shaOf = (name: string) => sha256Of(MODELS.get(name) ?? Buffer.alloc(0));

/** A cache of three files, which were last asked for 40 days ago. */
async function setUp() {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(({ path }) => ({
    body: MODELS.get(path.slice(1, 2)) ?? Buffer.alloc(0),
  }));
  const cache = new CacheLayout(folder.file("cache"));
  const sourceOf = (name: string) => ({ http: { url: server.url(`/${name}.gguf`) } });
  for (const name of MODELS.keys()) {
    await fetchInto(folder, sourceOf(name));
    const then = new Date(NOW_MS - 40 * DAY_MS);
    await utimes(cache.blobRecord(shaOf(name)), then, then);
  }
  const logged: string[] = [];
  return {
    folder,
    cache,
    sourceOf,
    logged,
    clean: (cleaning: Partial<Parameters<typeof cleanCache>[0]>, nowMs = NOW_MS) =>
      cleanCache(
        { keepBlobs: [], keepSources: [], ...cleaning },
        { cacheDir: cache.root, log: (line) => logged.push(line), nowMs },
      ),
    there: async () => {
      const names = await readdir(folder.file("cache/blobs"));
      const shas = names.filter((name) => name.endsWith(".gguf")).map((name) => name.slice(0, 64));
      return [...MODELS.keys()].filter((name) => shas.includes(shaOf(name)));
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const blob = (sha256: string, days: number, sizeBytes = 10) => ({
  sha256,
  sizeBytes,
  lastUsedMs: NOW_MS - days * DAY_MS,
});
const goneOf = (rules: object, kept: readonly string[] = []) =>
  unusedBlobs([blob("old", 60), blob("new", 5), blob("fresh", 1), blob("older", 90)], rules, {
    kept: new Set(kept),
    nowMs: NOW_MS,
  }).map(({ sha256 }) => sha256);

test("of files that nobody wants those go that are too old, or too much, the oldest of them", () => {
  assert.deepEqual(goneOf({}), []);
  assert.deepEqual(goneOf({ maxAgeDays: 30 }), ["old", "older"]);
  assert.deepEqual(goneOf({ maxAgeDays: 30 }, ["old"]), ["older"]);
  assert.deepEqual(goneOf({ maxBytes: 30 }), ["older"]);
  assert.deepEqual(goneOf({ maxBytes: 10, maxAgeDays: 365 }), ["new", "old", "older"]);
  // What somebody may have come to want since he was told stays, however much it is.
  assert.deepEqual(goneOf({ maxBytes: 0 }), ["new", "old", "older"]);
  assert.deepEqual(goneOf({ maxBytes: 0 }, ["new", "old", "older", "fresh"]), []);
});

test("what pods use and what sources may want stays, and the rest goes", async () => {
  await using it = await setUp();
  await it.clean({ keepBlobs: [shaOf("a")], keepSources: [it.sourceOf("b")], maxAgeDays: 30 });
  assert.deepEqual(await it.there(), ["a", "b"]);
  assert.equal(it.logged.length, 1);
  assert.match(it.logged[0] ?? "", /that nobody has used for 40 days/);
  const names = await readdir(it.folder.file("cache/blobs"));
  assert.deepEqual(
    names.filter((name) => name.includes(shaOf("c"))),
    [],
  );
  // It is fetched again where somebody wants it after all.
  await fetchInto(it.folder, it.sourceOf("c"));
  assert.deepEqual(await it.there(), ["a", "b", "c"]);
});

test("a file that is asked for is used, whether it has a checksum or not", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.sourceOf("a"));
  await fetchInto(it.folder, { ...it.sourceOf("b"), sha256: shaOf("b") });
  await it.clean({ maxAgeDays: 30 });
  assert.deepEqual(await it.there(), ["a", "b"]);
});

test("a file that somebody asks for while it is taken away is put back", async () => {
  await using it = await setUp();
  const sha256 = shaOf("a");
  const { mtimeMs } = await stat(it.cache.blobRecord(sha256));
  const sizeBytes = 1;
  assert.equal(await removeBlob(it.cache, { sha256, sizeBytes, lastUsedMs: mtimeMs - 1 }), false);
  assert.deepEqual(await it.there(), ["a", "b", "c"]);
  assert.equal(await removeBlob(it.cache, { sha256, sizeBytes, lastUsedMs: mtimeMs }), true);
  assert.deepEqual(await it.there(), ["b", "c"]);
});

test("what a cleaning that was cut off had put aside goes with the next", async () => {
  await using it = await setUp();
  const path = it.cache.blob(shaOf("a"));
  await rename(path, `${path}.removing`);
  const areAside = async () => {
    const names = await readdir(it.folder.file("cache/blobs"));
    return names.some((name) => name.endsWith(".removing"));
  };
  await it.clean({ maxAgeDays: 365 });
  assert.ok(await areAside(), "somebody may be at it");
  await it.clean({ maxAgeDays: 365 }, NOW_MS + 2 * 3_600_000);
  assert.ok(!(await areAside()));
  assert.deepEqual(await it.there(), ["b", "c"]);
});

test("where it is not clear what a source wants, everything stays", async () => {
  await using it = await setUp();
  const broken = { http: { url: "https://models.example/x-00002-of-00003.gguf" } };
  await it.clean({ keepSources: [broken], maxAgeDays: 30 });
  assert.deepEqual(await it.there(), ["a", "b", "c"]);
  assert.match(it.logged[0] ?? "", /the cache is left as it is: .*must name the first part/);
  await writeFile(it.folder.file("no-cache"), "");
  await cleanCache(
    { keepBlobs: [], keepSources: [], maxAgeDays: 1 },
    { cacheDir: it.folder.file("no-cache"), log: () => {} },
  );
});
