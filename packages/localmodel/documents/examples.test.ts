import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { claims } from "../resource/claims.ts";
import { modelIdOf } from "../resource/localmodel.ts";
import { formatProblem } from "./problem.ts";
import { readDocuments } from "./read-documents.ts";
import { sourceCandidates } from "../resource/source-spec.ts";

const folder = path.join(import.meta.dirname, "../../../examples");

for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
  test(`the example ${file} is a document without problems`, async () => {
    const { models, problems, skipped } = await readDocuments([path.join(folder, file)]);
    assert.deepEqual(problems.map(formatProblem), []);
    assert.equal(skipped.length, 0);
    assert.ok(models.length > 0);
  });
}

test("all examples can be served at once: no two claim one id or one name", async () => {
  const { models, problems } = await readDocuments([folder]);
  assert.deepEqual(problems.map(formatProblem), []);
  const decided = claims(
    models.map(({ key, model }) => ({
      key,
      modelId: modelIdOf(model),
      aliases: model.spec.aliases,
    })),
  );
  assert.deepEqual(
    decided.flatMap((it) => it.lost),
    [],
  );
});

test("the default example is pinned by commit and checksum and can come from a package index", async () => {
  const { models } = await readDocuments([path.join(folder, "smollm2-135m.yaml")]);
  const source = models[0]?.model.spec.source;
  assert.ok(source?.sha256 !== undefined);
  assert.match(source.huggingFace?.revision ?? "", /^[0-9a-f]{40}$/);
  assert.deepEqual(
    sourceCandidates(source).map((it) => it.type),
    ["huggingFace", "pythonPackage"],
  );
});

test("examples with a projector hold two photographs and what is said about them", async () => {
  const { models } = await readDocuments([folder]);
  const seeing = models.filter(({ model }) => model.spec.projector !== undefined);
  for (const { model } of seeing) {
    const { engine } = model.spec;
    const { contextTokens = 0 } = engine;
    // As many as Qwen's models take for one that is large.
    const most = model.metadata.name.startsWith("qwen") ? 4096 : 1500;
    assert.ok(contextTokens >= 2 * most + 1024, model.metadata.name);
  }
});

test("examples with a projector pin both of their files by commit and checksum", async () => {
  const { models } = await readDocuments([folder]);
  const seeing = models.filter(({ model }) => model.spec.projector !== undefined);
  assert.ok(seeing.length >= 4);
  for (const { model } of seeing) {
    for (const source of [model.spec.source, model.spec.projector]) {
      assert.match(source?.huggingFace?.revision ?? "", /^[0-9a-f]{40}$/);
      assert.match(source?.sha256 ?? "", /^[0-9a-f]{64}$/);
    }
  }
});
