/** A cache that somebody filled and nobody may write to: part of an image, or a volume that is mounted read-only. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, readFile, stat, utimes } from "node:fs/promises";
import { test } from "node:test";
import { FetchingProcess } from "../support/fetching-process.ts";
import { FileServer } from "../support/file-server.ts";
import { sampleGguf } from "../support/sample-gguf.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { fetchInto, IMPATIENT } from "../support/weights-fetch.ts";

/** Permissions do not bind root, so what is tried is tried as somebody else. */
const STRANGER = process.getuid?.() === 0 ? { user: 65_534 } : {};

/** Whoever has served them is gone afterwards. */
async function fetchedInto(folder: TemporaryFolder, parts: readonly Buffer[]) {
  await using server = await FileServer.start(({ path }) => ({
    body: parts[path.includes("-00002-of") ? 1 : 0] ?? Buffer.alloc(0),
  }));
  const source = { http: { url: server.url("/m-00001-of-00002.gguf") } };
  return { source, fetched: await fetchInto(folder, source) };
}

test("a read-only cache that holds the weights is enough, also as a copy and for a split model", async () => {
  const parts = [1, 2].map((part) => sampleGguf({ seed: part, split: { part, parts: 2 } }));
  await using folder = await TemporaryFolder.create();
  const { source, fetched } = await fetchedInto(folder, parts);
  // A copy has other times, and no links for the parts.
  for (const part of fetched.parts) await utimes(part, 1, 1);
  execFileSync("rm", ["-r", folder.file("cache/sets"), folder.file("cache/locks")]);
  await chmod(folder.path, 0o755);
  execFileSync("chmod", ["-R", "a-w,a+rX", folder.file("cache")]);
  try {
    const options = {
      cacheDir: folder.file("cache"),
      retry: IMPATIENT,
      environment: { PATH: process.env["PATH"] },
    };
    const again = await new FetchingProcess(source, options, STRANGER).result();
    assert.equal(again?.parts.length, 2);
    for (const [index, path] of (again?.parts ?? []).entries()) {
      assert.ok((await stat(path)).isFile());
      assert.deepEqual(await readFile(path), parts[index]);
    }
  } finally {
    execFileSync("chmod", ["-R", "u+w", folder.file("cache")]);
  }
});
