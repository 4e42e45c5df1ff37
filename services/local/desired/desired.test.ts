import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDocuments } from "@localmodel/localmodel/documents/documents.ts";
import { desiredState, keepLastGood } from "./desired.ts";

function parsed(name: string, spec = "", metadata = "") {
  const yaml = `apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nmetadata: {name: ${name}${metadata}}\nspec: {source: {file: {path: /m.gguf}}${spec}}`;
  const { models, problems } = parseDocuments(yaml, `${name}.yaml`);
  assert.deepEqual(problems, []);
  return models;
}

const NOBODY = new Map<string, number>();

function revisionOf(spec: string): string | undefined {
  return desiredState(parsed("a", spec), NOBODY).models[0]?.revision;
}

describe("a revision", () => {
  const base = revisionOf("");
  const same: [string, string][] = [
    ["a default that is written out", ", engine: {slots: 4}"],
    ["what only a cluster uses", ", resources: {limits: {cpu: 2}}"],
    ["more replicas, of which one machine runs one", ", replicas: 3"],
  ];
  for (const [name, spec] of same) {
    test(`is not changed by ${name}`, () => assert.equal(revisionOf(spec), base));
  }
  const different: [string, string][] = [
    ["the engine's settings", ", engine: {slots: 5}"],
    ["the sampling", ", sampling: {topK: 5}"],
    ["the id", ", modelId: other"],
    ["an alias", ", aliases: [other]"],
    ["the environment", ", env: [{name: A, value: b}]"],
    ["an adapter", ", adapters: [{file: {path: /l.gguf}}]"],
    ["the projector", ", projector: {file: {path: /p.gguf}}"],
    ["the model that drafts", ", draft: {file: {path: /d.gguf}}"],
  ];
  for (const [name, spec] of different) {
    test(`is changed by ${name}`, () => assert.notEqual(revisionOf(spec), base));
  }
  test("does not depend on the order of fields", () => {
    assert.equal(
      revisionOf(", engine: {slots: 5, threads: 2}"),
      revisionOf(", engine: {threads: 2, slots: 5}"),
    );
  });
});

describe("ids", () => {
  const models = [
    ...parsed("young", ", modelId: x, aliases: [y]"),
    ...parsed("old", ", modelId: x"),
  ];
  test("go to the model that has been there longer", () => {
    const seen = new Map([
      ["default/young", 2000],
      ["default/old", 1000],
    ]);
    const { models: desired, conflicts } = desiredState(models, seen);
    assert.deepEqual(
      desired.map(({ name, ids }) => [name, ids]),
      [
        ["young", ["y"]],
        ["old", ["x"]],
      ],
    );
    assert.deepEqual(conflicts, [
      { key: "default/young", lost: { id: "x", holder: "default/old" } },
    ]);
  });
  test("go to the one that a cluster created first, whenever it was seen", () => {
    const created = parsed(
      "created",
      ", modelId: x",
      ", creationTimestamp: '2024-01-01T00:00:00Z'",
    );
    const { models: desired } = desiredState(
      [...parsed("a", ", modelId: x"), ...created],
      new Map([["default/a", Date.UTC(2025)]]),
    );
    assert.deepEqual(
      desired.map(({ name, createdSeconds }) => [name, createdSeconds]),
      [["created", 1_704_067_200]],
    );
  });
  test("go by the order of the documents between equals", () => {
    assert.deepEqual(
      desiredState(models, NOBODY).models.map(({ name }) => name),
      ["young"],
    );
  });
});

test("a suspended model is not run, and what it would be called stays its own", () => {
  const models = [...parsed("a", ", modelId: x, replicas: 0"), ...parsed("b", ", modelId: x")];
  assert.deepEqual(desiredState(models, NOBODY).models, []);
});

const names = (models: readonly { key: string }[]) => models.map(({ key }) => key);

describe("the last good state of a model", () => {
  const before = [...parsed("a"), ...parsed("b")];
  const broken = { models: parsed("b"), problems: [{ file: "a.yaml", message: "is broken" }] };
  test("stays while its file is broken", () => {
    assert.deepEqual(names(keepLastGood(before, broken, () => true)), ["default/b", "default/a"]);
  });
  test("goes when its file is gone", () => {
    assert.deepEqual(names(keepLastGood(before, broken, () => false)), ["default/b"]);
  });
  test("goes when its file is fine without it", () => {
    assert.deepEqual(names(keepLastGood(before, { ...broken, problems: [] }, () => true)), [
      "default/b",
    ]);
  });
  test("gives way to a new one of the same name", () => {
    const again = { models: before, problems: broken.problems };
    assert.deepEqual(names(keepLastGood(before, again, () => true)), ["default/a", "default/b"]);
  });
});
