import assert from "node:assert/strict";
import { readFile, rename, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { once } from "node:events";
import { test } from "node:test";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { acquireLock } from "./file-lock.ts";
import { ownFile } from "./owner-file.ts";

const NEVER = new AbortController().signal;
const QUICK = { beatMs: 5, deadAfterMs: 100, pollMs: 5 };

function options(host: string, onWait: () => void = () => {}) {
  return { signal: NEVER, onWait, host, timing: QUICK };
}

test("an owner of another host is waited for as long as he shows that he lives", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("owner");
  const first = await ownFile(path, options("host-a"));
  let waits = 0;
  const order: string[] = [];
  const second = ownFile(
    path,
    options("host-b", () => {
      waits += 1;
      // Far longer than a dead owner would be waited for.
      if (waits !== 60) return;
      order.push("given up");
      first[Symbol.dispose]();
    }),
  );
  using _owned = await second;
  order.push("taken");
  assert.deepEqual(order, ["given up", "taken"]);
  assert.equal(first.lost.aborted, false);
});

test("a dead owner's file is taken, whatever the process ids say", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("owner");
  // As a pod leaves it whose node has gone: the id of a process that lives here, too, would mean nothing.
  await writeFile(path, `host-a ${process.pid} 000000007\n`);
  let waits = 0;
  using _owned = await ownFile(
    path,
    options("host-b", () => (waits += 1)),
  );
  assert.ok(waits > 0);
  assert.match(await readFile(path, "utf8"), /^host-b /);
});

test("an owner of this kernel who has lost the lock is dead at once", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("owner");
  await writeFile(path, "host-a left-by-a-crash 000000001\n");
  let waits = 0;
  using _owned = await ownFile(
    path,
    options("host-a", () => (waits += 1)),
  );
  assert.equal(waits, 0);
});

test("an owner who was taken for dead learns of it, and leaves the new owner alone", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("owner");
  const owned = await ownFile(path, options("host-a"));
  await rename(path, folder.file("taken-away"));
  await writeFile(path, "host-b somebody 000000001\n");
  if (!owned.lost.aborted) await once(owned.lost, "abort");
  owned[Symbol.dispose]();
  assert.match(await readFile(path, "utf8"), /^host-b /);
});

test("of many hosts without a common lock one at a time owns the file", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("owner");
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, host) => {
      using owned = await ownFile(path, options(`host-${host}`));
      inside += 1;
      most = Math.max(most, inside);
      await readFile(path);
      inside -= 1;
      assert.equal(owned.lost.aborted, false);
    }),
  );
  assert.equal(most, 1);
});

test("a lock leaves no owner behind", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("locks/key");
  const lock = await acquireLock(path, { signal: NEVER, onWait: () => {} });
  assert.ok(existsSync(`${path}.owner`));
  lock[Symbol.dispose]();
  assert.equal(existsSync(`${path}.owner`), false);
});
