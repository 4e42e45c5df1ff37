import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { FileServer } from "../../test/support/file-server.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { CacheLayout, defaultCacheFolder } from "./cache/cache-layout.ts";
import { fingerprintOf } from "./cache/fingerprint.ts";

const MODEL = sampleGguf();
const OTHER = sampleGguf({ seed: 2 });
const SHA256 = sha256Of(MODEL);

async function setUp() {
  const folder = await TemporaryFolder.create();
  const server = await FileServer.start(() => ({ body: MODEL, etag: '"v1"' }));
  const http = { url: server.url("/model.gguf") };
  return {
    folder,
    server,
    cache: new CacheLayout(folder.file("cache")),
    source: { http },
    pinned: { http, sha256: SHA256 },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("weights with a checksum come from the cache without asking anybody", async () => {
  await using it = await setUp();
  const first = await fetchInto(it.folder, it.pinned);
  const progress: unknown[] = [];
  const again = await fetchInto(it.folder, it.pinned, {
    onProgress: (event) => progress.push(event),
  });
  assert.deepEqual(again, first);
  assert.equal(it.server.seen.length, 1);
  assert.deepEqual(progress, [], "nothing to wait for, nothing to report");
});

test("weights are found by their checksum whichever source they came from", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.source);
  await fetchInto(it.folder, { http: { url: "http://127.0.0.1:1/elsewhere" }, sha256: SHA256 });
  assert.equal(it.server.seen.length, 1);
});

test("a source without a checksum is asked whether it has changed, and fetched again only then", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.source);
  it.server.script = ({ headers }) =>
    headers["if-none-match"] === '"v1"' ? { status: 304 } : { body: OTHER, etag: '"v2"' };
  const same = await fetchInto(it.folder, it.source);
  assert.equal(same.sha256, SHA256);
  it.server.script = () => ({ body: OTHER, etag: '"v2"' });
  const changed = await fetchInto(it.folder, it.source);
  assert.equal(changed.sha256, sha256Of(OTHER));
});

test("a source that cannot be asked keeps working from the cache, whatever it answers", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.source);
  for (const status of [401, 404, 500]) {
    it.server.script = () => ({ status });
    assert.equal((await fetchInto(it.folder, it.source)).sha256, SHA256);
  }
  await it.server[Symbol.asyncDispose]();
  assert.equal((await fetchInto(it.folder, it.source)).sha256, SHA256);
});

test("a newer file that cannot be fetched leaves the one that works in use, and says so", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.source);
  it.server.script = () => ({ body: Buffer.from("<html>maintenance"), etag: '"v2"' });
  const log: string[] = [];
  const weights = await fetchInto(it.folder, it.source, { log: (message) => log.push(message) });
  assert.equal(weights.sha256, SHA256);
  assert.match(log.join("\n"), /newer file.*could not be fetched.*web page/);
});

test("a cached file that was damaged is never handed out, but fetched again", async () => {
  await using it = await setUp();
  const { path } = await fetchInto(it.folder, it.pinned);
  const damages = [
    () => truncate(path, MODEL.length - 1),
    () => writeFile(path, OTHER),
    () => writeFile(path, Buffer.concat([MODEL, Buffer.from("x")])),
    () => rm(path),
    async () => {
      await rm(path);
      await mkdir(path);
      await rm(path, { recursive: true });
      await writeFile(path, "");
    },
  ];
  for (const damage of damages) {
    await damage();
    const weights = await fetchInto(it.folder, it.pinned);
    assert.deepEqual(await readFile(weights.path), MODEL);
  }
  assert.equal(it.server.seen.length, 1 + damages.length);
});

test("a cached file that was altered under its old size and time is never handed out", async () => {
  await using it = await setUp();
  const { path } = await fetchInto(it.folder, it.pinned);
  await atItsTime(path, () => writeFile(path, OTHER));
  const weights = await fetchInto(it.folder, it.pinned);
  assert.equal(sha256Of(await readFile(weights.path)), SHA256);
});

test("another file that took its place, with its time, is never handed out", async () => {
  await using it = await setUp();
  const { path } = await fetchInto(it.folder, it.pinned);
  await atItsTime(path, async () => {
    await writeFile(it.folder.file("other"), OTHER);
    await rename(it.folder.file("other"), path);
  });
  const weights = await fetchInto(it.folder, it.pinned);
  assert.equal(sha256Of(await readFile(weights.path)), SHA256);
});

/** What is done to a file, hidden: its time is what it was, to the nanosecond. */
async function atItsTime(path: string, act: () => Promise<void>): Promise<void> {
  const touch = promisify(execFile);
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("reference"), "");
  await touch("touch", ["-r", path, folder.file("reference")]);
  const { mtimeNs } = await stat(path, { bigint: true });
  await act();
  await touch("touch", ["-r", folder.file("reference"), path]);
  assert.equal((await stat(path, { bigint: true })).mtimeNs, mtimeNs);
}

test("what others may write to is read each time, records and all", async () => {
  const places: readonly ((cache: CacheLayout) => string)[] = [
    ({ root }) => root,
    (cache) => dirname(cache.blob(SHA256)),
    (cache) => cache.blob(SHA256),
    (cache) => cache.blobRecord(SHA256),
  ];
  for (const place of places) {
    await using it = await setUp();
    const { path } = await fetchInto(it.folder, it.pinned);
    await chmod(place(it.cache), 0o777);
    await writeFile(path, OTHER);
    // Whoever may write the file may write down that it is the right one.
    const forged = fingerprintOf(await stat(path, { bigint: true }));
    await writeFile(it.cache.blobRecord(SHA256), JSON.stringify(forged));
    const weights = await fetchInto(it.folder, it.pinned);
    assert.equal(sha256Of(await readFile(weights.path)), SHA256, place(it.cache));
  }
});

test("on a claim, where every pod is the same user, files are read each time as well", async () => {
  await using it = await setUp();
  const options = { cacheIsShared: true };
  const { path } = await fetchInto(it.folder, it.pinned, options);
  await writeFile(path, OTHER);
  const forged = fingerprintOf(await stat(path, { bigint: true }));
  await writeFile(it.cache.blobRecord(SHA256), JSON.stringify(forged));
  const weights = await fetchInto(it.folder, it.pinned, options);
  assert.equal(sha256Of(await readFile(weights.path)), SHA256);
});

test("a file that was only touched is read once, and believed from then on", async () => {
  await using it = await setUp();
  const { path } = await fetchInto(it.folder, it.pinned);
  await utimes(path, new Date(), new Date());
  const phases = new Set<string>();
  const onProgress = ({ phase }: { phase: string }): unknown => phases.add(phase);
  await fetchInto(it.folder, it.pinned, { onProgress });
  assert.deepEqual([...phases], ["verifying"]);
  phases.clear();
  await fetchInto(it.folder, it.pinned, { onProgress });
  assert.deepEqual([...phases], []);
  assert.equal(it.server.seen.length, 1);
});

test("a cache without its records costs a hash, not a download", async () => {
  await using it = await setUp();
  await fetchInto(it.folder, it.pinned);
  await rm(it.cache.blobRecord(SHA256));
  await fetchInto(it.folder, it.pinned);
  assert.equal(it.server.seen.length, 1);
  assert.ok((await stat(it.cache.blobRecord(SHA256))).isFile());
});

test(
  "a disk that fills up in the middle is an error that says what to do",
  { skip: process.platform !== "linux" },
  async () => {
    await using it = await setUp();
    const key = `sha256-${SHA256}`;
    await mkdir(it.folder.file("cache/partial"), { recursive: true });
    // Every write to this device fails as on a full disk.
    await symlink("/dev/full", it.cache.partial(key));
    await assert.rejects(fetchInto(it.folder, it.pinned), {
      reason: "DiskFull",
      message: /disk is full \(ENOSPC\).*LOCALMODEL_CACHE/,
    });
    assert.equal(it.server.seen.length, 1, "nobody else is asked for bytes there is no room for");
  },
);

test("a cache folder that is no folder is an error that names the setting", async () => {
  await using it = await setUp();
  await writeFile(it.folder.file("cache"), "");
  const failed = fetchInto(it.folder, it.pinned);
  await assert.rejects(failed, { reason: "CacheUnusable", message: /LOCALMODEL_CACHE/ });
});

test("the cache folder is LOCALMODEL_CACHE, else the XDG one", () => {
  const cases = [
    [{}, "/home/a/.cache/localmodel"],
    [{ XDG_CACHE_HOME: "/var/cache" }, "/var/cache/localmodel"],
    [{ XDG_CACHE_HOME: "relative" }, "/home/a/.cache/localmodel"],
    [{ LOCALMODEL_CACHE: "/models", XDG_CACHE_HOME: "/var/cache" }, "/models"],
    [{ LOCALMODEL_CACHE: "" }, "/home/a/.cache/localmodel"],
  ] as const;
  for (const [environment, folder] of cases) {
    assert.equal(defaultCacheFolder(environment, "/home/a"), folder);
  }
});
