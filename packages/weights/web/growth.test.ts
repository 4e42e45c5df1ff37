/** Downloads that would fill the disk, from a server that says what it likes about their length. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { FileServer } from "../../../test/support/file-server.ts";
import { sampleGguf } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fetchInto } from "../../../test/support/weights-fetch.ts";
import { CacheLayout } from "../cache/cache-layout.ts";
import { acquireLock } from "../cache/file-lock.ts";

const ROWS = 64;
const MODEL = sampleGguf({ rows: ROWS });
const MUCH = Buffer.alloc(24 * 2 ** 20, "x");
const NO_LENGTH = { chunked: true, etag: null } as const;

/** The same header, with a tensor of so many rows. */
function claiming(rows: bigint): Buffer {
  const bytes = Buffer.from(MODEL);
  const dimensions = Buffer.alloc(16);
  dimensions.writeBigUInt64LE(1024n, 0);
  dimensions.writeBigUInt64LE(BigInt(ROWS), 8);
  const at = bytes.indexOf(dimensions);
  assert.ok(at > 0);
  bytes.writeBigUInt64LE(rows, at + 8);
  return bytes;
}

async function leftIn(folder: TemporaryFolder): Promise<readonly string[]> {
  return readdir(folder.file("cache/partial")).catch(() => []);
}

for (const [how, more] of [
  ["without a length", NO_LENGTH],
  ["with one", {}],
] as const) {
  test(`a file that goes on behind its last tensor is given up, ${how}, and nothing stays`, async () => {
    await using folder = await TemporaryFolder.create();
    const body = Buffer.concat([MODEL, MUCH]);
    await using server = await FileServer.start(() => ({ body, ...more }));
    const seen: number[] = [];
    const failed = fetchInto(
      folder,
      { http: { url: server.url("/m.gguf") } },
      { onProgress: ({ receivedBytes }) => seen.push(receivedBytes) },
    );
    await assert.rejects(failed, {
      reason: "NotAGguf",
      message: /m\.gguf: the file has .* or more, its header describes 26\d kB: what follows/,
    });
    assert.ok(Math.max(...seen) < 4 * 2 ** 20, String(Math.max(...seen)));
    assert.deepEqual(await leftIn(folder), []);
  });
}

test("a file that its header says is too big for the disk is given up at once, and nothing stays", async () => {
  await using folder = await TemporaryFolder.create();
  const body = Buffer.concat([claiming(2n ** 38n), MUCH]);
  await using server = await FileServer.start(() => ({ body, ...NO_LENGTH }));
  const seen: number[] = [];
  const failed = fetchInto(
    folder,
    { http: { url: server.url("/m.gguf") } },
    { onProgress: ({ receivedBytes }) => seen.push(receivedBytes) },
  );
  await assert.rejects(failed, { reason: "DiskFull", message: /1\.13 PB are needed/ });
  assert.ok(Math.max(...seen) < 4 * 2 ** 20, String(Math.max(...seen)));
  assert.deepEqual(await leftIn(folder), []);
});

test("padding behind the last tensor is a file's own affair", async () => {
  await using folder = await TemporaryFolder.create();
  const body = Buffer.concat([MODEL, Buffer.alloc(4096)]);
  await using server = await FileServer.start(() => ({ body, ...NO_LENGTH }));
  const { path } = await fetchInto(folder, { http: { url: server.url("/m.gguf") } });
  assert.deepEqual(await readFile(path), body);
});

test("what nobody has continued for a week is removed, unless somebody holds its lock", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({ body: MODEL }));
  const cache = new CacheLayout(folder.file("cache"));
  await mkdir(cache.unpackFolder("old"), { recursive: true });
  const files = ["old", "young", "held"].flatMap((key) => [
    cache.partial(key),
    cache.partialRecord(key),
  ]);
  for (const file of files) await writeFile(file, "x");
  const longAgo = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000);
  for (const file of [...files, cache.unpackFolder("old")].filter((it) => !it.includes("young")))
    await utimes(file, longAgo, longAgo);
  const signal = AbortSignal.timeout(60_000);
  using _held = await acquireLock(cache.lock("held"), { signal, onWait: () => {} });
  const log: string[] = [];
  const options = { log: (message: string) => log.push(message) };
  await fetchInto(folder, { http: { url: server.url("/m.gguf") } }, options);
  assert.deepEqual((await leftIn(folder)).toSorted(), [
    "held.gguf",
    "held.json",
    "young.gguf",
    "young.json",
  ]);
  assert.match(log.join("\n"), /removed what a download of more than a week ago had left: .*old$/m);
});
