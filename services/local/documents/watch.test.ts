import assert from "node:assert/strict";
import { appendFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { changes, signature } from "./watch.ts";

async function watching(t: TestContext, names: readonly string[]) {
  const folder = await TemporaryFolder.create();
  const paths = names.map((name) => folder.file(name));
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    await folder[Symbol.asyncDispose]();
  });
  await mkdir(folder.file("models"), { recursive: true });
  await writeFile(folder.file("models/a.yaml"), "one");
  const iterator = changes(paths, await signature(paths), stop.signal);
  return { folder, stop, iterator };
}

const EDITS: Record<string, (folder: TemporaryFolder) => Promise<void>> = {
  "is written": (folder) => writeFile(folder.file("models/a.yaml"), "two!"),
  "is appended to": (folder) => appendFile(folder.file("models/a.yaml"), "more"),
  "is replaced by renaming, with the same size": async (folder) => {
    await writeFile(folder.file("models/.a.swp"), "two");
    await rename(folder.file("models/.a.swp"), folder.file("models/a.yaml"));
  },
  "is moved away and written anew": async (folder) => {
    await rename(folder.file("models/a.yaml"), folder.file("models/a.yaml~"));
    await writeFile(folder.file("models/a.yaml"), "two!");
  },
  "is removed": (folder) => rm(folder.file("models/a.yaml")),
};

for (const [what, edit] of Object.entries(EDITS)) {
  for (const given of ["models", "models/a.yaml"]) {
    test(`a change is seen when a file ${what} (given as ${given})`, async (t) => {
      const { folder, iterator } = await watching(t, [given]);
      const change = iterator.next();
      await edit(folder);
      assert.equal((await change).done, false);
    });
  }
}

test("a file that appears in a folder is seen, also deeper in it and behind a link", async (t) => {
  const { folder, iterator } = await watching(t, ["models"]);
  const first = iterator.next();
  await writeFile(folder.file("models/b.yml"), "one");
  assert.equal((await first).done, false);
  const second = iterator.next();
  await mkdir(folder.file("models/team/x"), { recursive: true });
  await writeFile(folder.file("models/team/x/c.yaml"), "one");
  assert.equal((await second).done, false);
  await writeFile(folder.file("elsewhere.yaml"), "one");
  const third = iterator.next();
  await symlink(folder.file("elsewhere.yaml"), folder.file("models/d.yaml"));
  assert.equal((await third).done, false);
});

test("a path that does not exist yet is seen when it does", async (t) => {
  const { folder, iterator } = await watching(t, ["later.yaml"]);
  const change = iterator.next();
  await writeFile(folder.file("later.yaml"), "one");
  assert.equal((await change).done, false);
});

test("a change between reading and watching is not missed", async (t) => {
  const { folder, iterator } = await watching(t, ["models"]);
  await writeFile(folder.file("models/a.yaml"), "two!");
  assert.equal((await iterator.next()).done, false);
});

test("what is none of ours changes nothing", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeFile(folder.file("a.yaml"), "one");
  const before = await signature([folder.path]);
  await writeFile(folder.file("notes.txt"), "x");
  await writeFile(folder.file(".a.yaml.swp"), "x");
  assert.equal(await signature([folder.path]), before);
});

test("the end of watching ends the iteration", async (t) => {
  const { iterator, stop } = await watching(t, ["models"]);
  const end = iterator.next();
  stop.abort();
  assert.equal((await end).done, true);
});
