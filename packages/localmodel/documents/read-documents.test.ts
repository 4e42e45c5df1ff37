import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { formatProblem } from "./problem.ts";
import { readDocuments } from "./read-documents.ts";

function model(name: string, file = "a.gguf"): string {
  return JSON.stringify({
    apiVersion: "localmodel.dev/v1alpha1",
    kind: "LocalModel",
    metadata: { name },
    spec: { source: { file: { path: file } } },
  });
}

async function folderWith(t: TestContext, files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "read-documents-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

async function read(...paths: string[]) {
  const { models, problems, skipped } = await readDocuments(paths);
  return {
    names: models.map((it) => it.model.metadata.name),
    paths: models.map((it) => it.model.spec.source.file?.path),
    problems: problems.map(formatProblem),
    skipped: skipped.length,
  };
}

test("readDocuments reads a folder in the order of its paths, and leaves hidden and other files out", async (t) => {
  const folder = await folderWith(t, {
    "b.yaml": model("b"),
    "a.yml": model("a"),
    "c.json": model("c"),
    "team/d.yaml": model("d"),
    ".hidden.yaml": model("e"),
    ".git/f.yaml": model("f"),
    "node_modules/x/g.json": model("g"),
    "notes.txt": "not: [yaml",
    "package.json": "{}",
    "list.json": "[1]",
  });
  const { names, problems, skipped } = await read(folder);
  assert.deepEqual(
    { names, problems, skipped },
    { names: ["a", "b", "c", "d"], problems: [], skipped: 2 },
  );
});

test("readDocuments follows links to files, as a mounted ConfigMap has them, and not to folders", async (t) => {
  const folder = await folderWith(t, { "..data/a.yaml": model("a") });
  await symlink("..data/a.yaml", path.join(folder, "a.yaml"));
  await symlink(".", path.join(folder, "loop"));
  await symlink("nowhere.yaml", path.join(folder, "dangling.yaml"));
  assert.deepEqual((await read(folder)).names, ["a"]);
});

test("readDocuments resolves file paths from the folder of the document, and `~` from home", async (t) => {
  const folder = await folderWith(t, {
    "sub/a.yaml": model("a", "../weights/a.gguf"),
    "b.yaml": model("b", "~/b.gguf"),
    "c.yaml": model("c", "/c.gguf"),
  });
  const { paths } = await read(path.join(folder, "sub"), folder);
  assert.deepEqual(paths, [
    path.join(folder, "weights/a.gguf"),
    path.join(homedir(), "b.gguf"),
    "/c.gguf",
  ]);
});

test("readDocuments resolves the paths of mirrors, projector, draft and adapters too", async (t) => {
  const file = { file: { path: "x.gguf" } };
  const document = JSON.parse(model("a")) as { spec: Record<string, unknown> };
  const spec = {
    source: { ...file, sha256: "0".repeat(64), mirrors: [file] },
    projector: file,
    draft: file,
    adapters: [{ ...file, scale: 0.5 }],
  };
  const folder = await folderWith(t, { "a.yaml": JSON.stringify({ ...document, spec }) });
  const { models } = await readDocuments([folder]);
  assert.equal(JSON.stringify(models).split(path.join(folder, "x.gguf")).length - 1, 5);
});

test("readDocuments reads a file once that is named twice and lies in a named folder", async (t) => {
  const folder = await folderWith(t, { "b.yaml": model("b"), "a.yaml": model("a") });
  const file = path.join(folder, "b.yaml");
  assert.deepEqual(await read(file, folder, file), {
    names: ["b", "a"],
    paths: [path.join(folder, "a.gguf"), path.join(folder, "a.gguf")],
    problems: [],
    skipped: 0,
  });
});

test("readDocuments keeps the first of two objects with one name and points at both", async (t) => {
  const folder = await folderWith(t, {
    "a.yaml": model("same"),
    "b.yaml": `\n${model("same", "b")}`,
  });
  const { paths, problems } = await read(folder);
  assert.deepEqual(paths, [path.join(folder, "a.gguf")]);
  assert.deepEqual(problems, [
    `${folder}/b.yaml:2: metadata.name: must be unique; "same" is already taken by ${folder}/a.yaml:1`.replace(
      "b.yaml:2:",
      "b.yaml:2:1:",
    ),
  ]);
});

test("readDocuments lets two namespaces have objects of one name, as a cluster does", async (t) => {
  const other = model("same").replace('"name"', '"namespace":"team","name"');
  const folder = await folderWith(t, { "a.yaml": model("same"), "b.yaml": other });
  assert.deepEqual(
    (await readDocuments([folder])).models.map((it) => it.key),
    ["default/same", "team/same"],
  );
});

test("readDocuments tells weights from documents by their ending in a folder, in upper or lower case", async (t) => {
  const folder = await folderWith(t, {
    "a.YAML": model("a"),
    "b.Yml": model("b"),
    "deep/Tiny.Q8_0.GGUF": "",
    "tiny.gguf": "",
    ".hidden.gguf": "",
    blob: "GGUF",
  });
  const { models, weights } = await readDocuments([folder]);
  assert.deepEqual(
    models.map((it) => it.model.metadata.name),
    ["a", "b"],
  );
  assert.deepEqual(
    weights,
    ["deep/Tiny.Q8_0.GGUF", "tiny.gguf"].map((it) => ({
      file: path.join(folder, it),
      inFolder: true,
    })),
  );
});

test("readDocuments takes a file that was named for what it begins with", async (t) => {
  const folder = await folderWith(t, { blob: "GGUF\u0003", "model.txt": model("a") });
  assert.deepEqual((await read(path.join(folder, "model.txt"))).names, ["a"]);
  const blob = path.join(folder, "blob");
  assert.deepEqual((await readDocuments([blob])).weights, [{ file: blob, inFolder: false }]);
});

test("readDocuments says what is wrong with each file and still reads the others", async (t) => {
  const folder = await folderWith(t, {
    "good.yaml": model("good"),
    "no-model.yaml": "a: 1\n",
    "utf16.yaml": Buffer.from("\ufeffa: 1", "utf16le"),
    "large.yaml": "# ".padEnd(3 * 1024 * 1024, "x"),
  });
  execFileSync("mkfifo", [path.join(folder, "pipe.yaml")]);
  const named = ["good", "no-model", "utf16", "large", "pipe", "missing"];
  const { names, problems } = await read(...named.map((it) => path.join(folder, `${it}.yaml`)));
  assert.deepEqual(names, ["good"]);
  assert.deepEqual(
    problems.map((problem) => problem.replace(`${folder}/`, "")),
    [
      "missing.yaml: cannot be read: there is no such file or folder",
      "no-model.yaml:1:1: must be a document with apiVersion localmodel.dev/v1alpha1 and kind LocalModel; found neither",
      "utf16.yaml: must be UTF-8 text",
      "large.yaml: must have at most 2097152 bytes; found 3145728",
      "pipe.yaml: is not a regular file",
    ],
  );
});
