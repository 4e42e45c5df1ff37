import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { eventually } from "./eventually.ts";
import { descendantsOf, killTree } from "./process-tree.ts";

/** Starts another that waits, ten of them one after the other, and then waits itself. */
const STARTS_OTHERS = "for n in 1 2 3 4 5 6 7 8 9 10; do sleep 30 & sleep 0.05; done; wait";

test("nothing that a process has started runs any more once its tree is killed", async () => {
  const { pid = 0 } = spawn("sh", ["-c", `sh -c '${STARTS_OTHERS}'; :`], { stdio: "ignore" });
  await eventually("a tree of three levels", async () => {
    assert.ok((await descendantsOf(pid)).length > 3);
  });

  const killed = await killTree(pid);

  assert.ok(killed.length > 4);
});

test("a tree whose root has ended already is no error", async () => {
  const child = spawn("true");
  await once(child, "close");
  assert.deepEqual(await killTree(child.pid ?? 0), []);
});
