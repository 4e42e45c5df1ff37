/** `npm start -- FOLDER` with nothing in it but files as people download them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { LocalMode } from "../support/local-mode.ts";
import { sampleGguf } from "../support/sample-gguf.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "../../services/local/fixtures/local.ts");

test("a folder of weights serves all of them, those that are added too, and names what it leaves out", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("one.gguf"), sampleGguf());
  await writeFile(
    folder.file("two-00001-of-00002.gguf"),
    sampleGguf({ split: { part: 1, parts: 2 } }),
  );
  await writeFile(
    folder.file("two-00002-of-00002.gguf"),
    sampleGguf({ split: { part: 2, parts: 2 } }),
  );
  await writeFile(folder.file("page.gguf"), "<html>");
  await writeFile(
    folder.file("other.YAML"),
    "apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nmetadata: {name: other}\nspec: {source: {file: {path: one.gguf}}, modelId: said}\n",
  );
  await using local = new LocalMode({
    main: MAIN,
    arguments: [folder.path, "--port", "0"],
    environment: { LOCALMODEL_CACHE: folder.file(".cache") },
  });
  const url = `${await local.url()}/models`;
  const served = async (): Promise<string> => {
    const { data } = (await (await fetch(url)).json()) as { data: { id: string }[] };
    return data
      .map(({ id }) => id)
      .toSorted()
      .join();
  };
  await local.until("all are served", async () => (await served()) === "said,two" || undefined);
  await local.says(/page\.gguf: is not served: there is a web page/);
  await writeFile(folder.file("three.gguf"), sampleGguf({ seed: 3 }));
  await local.until(
    "the new one is served",
    async () => (await served()) === "said,three,two" || undefined,
  );
  assert.doesNotMatch(local.output, /two-00002/);
});
