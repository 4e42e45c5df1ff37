/** Which weights of a folder become models without a document, and what is said about the others. */
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { encodeGguf, metadataValue } from "../../../test/support/gguf.ts";
import { sampleGguf } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { DocumentSet } from "./document-set.ts";

const { text } = metadataValue;

async function folderWith(t: TestContext, files: Record<string, Buffer | string>) {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(folder.file(name)), { recursive: true });
    await writeFile(folder.file(name), content);
  }
  return folder;
}

async function reading(documents: DocumentSet) {
  const { models, notes, hasProblems } = await documents.read();
  return { names: models.map(({ name }) => name), models, notes, hasProblems };
}

function documentOf(name: string, file: string, more = ""): string {
  return `apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nmetadata: {name: ${name}}\nspec: {source: {file: {path: ${file}}}${more}}\n`;
}

function headerOf(values: Record<string, string>): Buffer {
  const metadata = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, text(value)]),
  );
  return encodeGguf({ metadata, tensors: [] });
}

test("every GGUF of a folder is a model, a split one by its first part", async (t) => {
  const folder = await folderWith(t, {
    "Tiny.Q8_0.gguf": sampleGguf(),
    "deep/tiny-q8-0.GGUF": sampleGguf({ seed: 2 }),
    "big-00001-of-00002.gguf": sampleGguf({ split: { part: 1, parts: 2 } }),
    "big-00002-of-00002.gguf": sampleGguf({ split: { part: 2, parts: 2 } }),
  });
  const { names, models, notes } = await reading(new DocumentSet([folder.path]));
  assert.deepEqual(names, ["tiny-q8-0", "big", "tiny-q8-0-2"]);
  assert.deepEqual(
    models.map(({ spec }) => spec.source.file?.path),
    ["Tiny.Q8_0.gguf", "big-00001-of-00002.gguf", "deep/tiny-q8-0.GGUF"].map((it) =>
      folder.file(it),
    ),
  );
  assert.deepEqual(notes, []);
});

test("what is no model by itself is named, with where it belongs", async (t) => {
  const folder = await folderWith(t, {
    "model.gguf": sampleGguf(),
    "adapter.gguf": headerOf({ "general.type": "adapter", "general.architecture": "llama" }),
    "mmproj.gguf": headerOf({ "general.architecture": "clip" }),
    "vocabulary.gguf": headerOf({ "general.architecture": "llama" }),
    "page.gguf": "<!doctype html><title>Sign in</title>",
    "half.gguf": sampleGguf().subarray(0, 2000),
    "lost-00002-of-00003.gguf": sampleGguf({ split: { part: 2, parts: 3 } }),
  });
  const documents = new DocumentSet([folder.path]);
  const { names, notes } = await reading(documents);
  assert.deepEqual(names, ["model"]);
  const expected = {
    "adapter.gguf": /LoRA adapter.*spec\.adapters/,
    "half.gguf": /incomplete/,
    "lost-00002-of-00003.gguf": /part 2 of 3, and lost-00001-of-00003\.gguf is not there/,
    "mmproj.gguf": /image projector.*spec\.projector/,
    "page.gguf": /there is a web page \(/,
    "vocabulary.gguf": /no tensors/,
  };
  for (const [name, pattern] of Object.entries(expected)) {
    const note = notes.find((one) => one.startsWith(`${folder.file(name)}: is not served: `));
    assert.match(note ?? notes.join("\n"), pattern);
  }
  assert.equal(notes.length, Object.keys(expected).length);
  assert.deepEqual((await reading(documents)).notes, []);
});

test("weights that a document names are that document's, through links too", async (t) => {
  const folder = await folderWith(t, {
    "real/a.gguf": sampleGguf(),
    "adapter.gguf": sampleGguf({ seed: 2 }),
    "other.gguf": sampleGguf({ seed: 3 }),
    "a.yaml": documentOf("a", "link.gguf", ", adapters: [{file: {path: adapter.gguf}}]"),
  });
  await symlink("real/a.gguf", folder.file("link.gguf"));
  assert.deepEqual((await reading(new DocumentSet([folder.path]))).names, ["a", "other"]);
});

test("weights of a document that has become invalid stay that document's", async (t) => {
  const folder = await folderWith(t, {
    "a.gguf": sampleGguf(),
    "a.yaml": documentOf("document", "a.gguf"),
  });
  const documents = new DocumentSet([folder.path]);
  await documents.read();
  await writeFile(folder.file("a.yaml"), "{{{");
  assert.deepEqual((await reading(documents)).names, ["document"]);
});

test("weights that were named are served, and refused as a problem if they are no model", async (t) => {
  const folder = await folderWith(t, {
    blob: sampleGguf(),
    "mmproj.gguf": headerOf({ "general.architecture": "clip" }),
  });
  const served = await reading(new DocumentSet([folder.file("blob")]));
  assert.deepEqual([served.names, served.hasProblems], [["blob"], false]);
  const refused = await reading(new DocumentSet([folder.file("mmproj.gguf")]));
  assert.deepEqual([refused.names, refused.hasProblems], [[], true]);
});

test("engine options are for models without a document, and say so where there are none", async (t) => {
  const folder = await folderWith(t, {
    "a.gguf": sampleGguf(),
    "b.yaml": documentOf("b", "b.gguf"),
  });
  const engine = { contextTokens: 8192, slots: 2 };
  const { models } = await reading(new DocumentSet([folder.path], { engine }));
  assert.deepEqual(
    models.map(({ name, spec }) => [name, spec.engine.contextTokens, spec.engine.slots]),
    [
      ["b", undefined, 4],
      ["a", 8192, 2],
    ],
  );
  const { notes } = await reading(new DocumentSet([folder.file("b.yaml")], { engine }));
  assert.match(
    notes.join("\n"),
    /^--context has no effect.*spec\.engine\.contextTokens\n--slots has no effect/,
  );
});
