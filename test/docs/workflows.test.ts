/** What actionlint does not ask of .github/workflows: that nobody else can change what they run. */
import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { REPOSITORY } from "../support/documented-commands.ts";

const PINNED = /uses: (?:\.\/[\w./-]+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/;

const files = await Array.fromAsync(glob(".github/workflows/*.yml", { cwd: REPOSITORY }));

test("there are workflows for every change and for releases", () => {
  assert.deepEqual(files.toSorted(), [".github/workflows/ci.yml", ".github/workflows/release.yml"]);
});

for (const file of files) {
  const text = await readFile(join(REPOSITORY, file), "utf8");

  test(`${file} uses actions by commit, and says which version that is`, () => {
    const used = text.split("\n").filter((line) => line.includes("uses: "));
    assert.ok(used.length > 0);
    assert.deepEqual(
      used.filter((line) => !PINNED.test(line)),
      [],
    );
  });

  test(`${file} starts with the right to read and nothing else`, () => {
    const { permissions } = parse(text) as { permissions?: unknown };
    assert.deepEqual(permissions, { contents: "read" });
  });

  test(`${file} leaves no credentials behind for what it runs`, () => {
    const checkouts = text.match(/uses: actions\/checkout@/g) ?? [];
    assert.equal(text.match(/persist-credentials: false/g)?.length, checkouts.length);
  });
}

test("one action has one version in all workflows", async () => {
  const texts = await Promise.all(files.map((file) => readFile(join(REPOSITORY, file), "utf8")));
  const used = [...texts.join("\n").matchAll(/uses: ([\w/-]+)@(\w+)/g)];
  const versions = Map.groupBy(used, ([, action]) => action);
  for (const [action, uses] of versions)
    assert.equal(new Set(uses.map(([, , commit]) => commit)).size, 1, action);
});

test("a release finds the one place in values.yaml where its registry belongs", async () => {
  const release = await readFile(join(REPOSITORY, ".github/workflows/release.yml"), "utf8");
  assert.match(release, /s\|\^ {2}registry: \\"\\"\$\|/);
  const values = await readFile(join(REPOSITORY, "charts/localmodel/values.yaml"), "utf8");
  assert.equal(values.match(/^ {2}registry: ""$/gm)?.length, 1);
});
