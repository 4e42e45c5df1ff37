import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { artifacts, REPOSITORY } from "./generate.ts";

for (const [file, text] of artifacts()) {
  test(`${file} is what npm run generate writes`, async () => {
    const committed = await readFile(path.join(REPOSITORY, file), "utf8");
    assert.ok(committed === text, `${file} is stale: run npm run generate and commit the result`);
  });
}
