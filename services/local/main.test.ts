/** `npm start` itself, as far as it goes without a model. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { LocalMode } from "../../test/support/local-mode.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "main.ts");

async function ends(...given: string[]) {
  await using local = new LocalMode({ main: MAIN, arguments: given });
  const { code } = await local.exit();
  return { code, output: local.output };
}

test("help and version are printed and end with 0", async () => {
  const help = await ends("--help");
  assert.equal(help.code, 0);
  assert.match(help.output, /^Usage: npm start/);
  const version = await ends("--version");
  assert.equal(version.code, 0);
  assert.match(version.output, /^\d+\.\d+\.\d+\n$/);
});

test("a mistake on the command line is told with the usage and ends with 2", async () => {
  const { code, output } = await ends("--prot", "1");
  assert.equal(code, 2);
  assert.match(output, /^error: .*--prot.*\n[^]*Usage:/);
});

test("when nothing that was given can be served, the reasons are told and it ends with 1", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(
    folder.file("bad.yaml"),
    "apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nspec: {}\n",
  );
  const { code, output } = await ends(
    folder.file("bad.yaml"),
    folder.file("missing.yaml"),
    "--port",
    "0",
  );
  assert.equal(code, 1);
  assert.match(output, /^error: .*missing\.yaml/m);
  assert.match(output, /bad\.yaml:\d+:\d+: metadata/);
  assert.doesNotMatch(output, /at .*\.ts:\d+/);
});

test("a host that is not of this machine is told and ends with 1", async () => {
  await using folder = await TemporaryFolder.create();
  const { code, output } = await ends(folder.path, "--host", "192.0.2.1", "--port", "0");
  assert.equal(code, 1);
  assert.match(output, /^error: .*not an address of this machine/m);
  assert.doesNotMatch(output, /--port/);
});
