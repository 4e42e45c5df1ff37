import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { readApiKeys } from "@localmodel/localmodel/documents/read-api-keys.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { key } from "../fixtures/keys.ts";
import { DocumentFileError, FollowedFile } from "./followed-file.ts";

async function scene(t: TestContext, content: string) {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const file = folder.file("keys.yaml");
  await writeFile(file, content);
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  const log = createLogger("api", { stream, level: "info", format: "json" });
  const open = async () => {
    const opened = await FollowedFile.open(file, { read: readApiKeys, subject: "API keys", log });
    t.after(() => opened[Symbol.dispose]());
    return () => opened.current().map(({ name }) => name);
  };
  return { file, lines, open };
}

function yaml(...owners: readonly string[]): string {
  return JSON.stringify({ keys: owners.map((name) => key(name)) });
}

test("an invalid file keeps the service from starting and says where it is wrong", async (t) => {
  const { file, open } = await scene(t, "keys:\n  - name: alice\n");
  await assert.rejects(open(), (error) => {
    assert.ok(error instanceof DocumentFileError);
    assert.ok(error.message.startsWith(`${file}:2:5: keys[0].sha256: must be the SHA-256`));
    return true;
  });
  await rm(file);
  await assert.rejects(open(), /there is no such file/);
});

test("a changed file is taken over, however it was changed", async (t) => {
  const { file, open } = await scene(t, yaml("alice"));
  const names = await open();
  assert.deepEqual(names(), ["alice"]);
  await writeFile(file, yaml("alice", "bob"));
  await t.waitFor(() => assert.deepEqual(names(), ["alice", "bob"]), { timeout: 20_000 });
  await writeFile(`${file}.new`, yaml("carol"));
  await rename(`${file}.new`, file);
  await t.waitFor(() => assert.deepEqual(names(), ["carol"]), { timeout: 20_000 });
});

test("while the file is invalid or gone what it said last stays, and the log says why", async (t) => {
  const { file, lines, open } = await scene(t, yaml("alice"));
  const names = await open();
  await writeFile(file, "keys:\n  - name: alice\n    sha256: sk-secret\n");
  await t.waitFor(() => assert.match(lines.join(""), /keys\.yaml:3:13: keys\[0\]\.sha256/), {
    timeout: 20_000,
  });
  assert.doesNotMatch(lines.join(""), /sk-secret/);
  await rm(file);
  await t.waitFor(() => assert.match(lines.join(""), /no such file/), { timeout: 20_000 });
  assert.deepEqual(names(), ["alice"]);
  await writeFile(file, yaml("bob"));
  await t.waitFor(() => assert.deepEqual(names(), ["bob"]), { timeout: 20_000 });
});
