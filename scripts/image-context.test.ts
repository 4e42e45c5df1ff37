/** What the Dockerfile runs has to be in its context, of which .dockerignore leaves out everything that it does not name. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const REPOSITORY = join(import.meta.dirname, "..");

test("every script that the Dockerfile names is in its context", async () => {
  const dockerfile = await readFile(join(REPOSITORY, "Dockerfile"), "utf8");
  const context = await readFile(join(REPOSITORY, ".dockerignore"), "utf8");
  const named = new Set(dockerfile.match(/scripts\/[\w-]+\.sh/g));
  assert.ok(named.size > 2);
  const brought = context.split("\n");
  assert.deepEqual(
    [...named].filter((script) => !brought.includes(`!${script}`)),
    [],
  );
});
