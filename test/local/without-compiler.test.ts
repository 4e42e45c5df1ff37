/**
 * A laptop without a compiler: a model with a projector serves text, and one line says what to install.
 *
 * The library may have been built here, so this is another checkout: the same sources, and packages that are links to
 * those of this one, without what was built among them.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import OpenAI, { BadRequestError } from "openai";
import { REPOSITORY } from "../support/documented-commands.ts";
import { LocalMode } from "../support/local-mode.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const WHOLE = { recursive: true, verbatimSymlinks: true };
const SOURCES = ["package.json", "packages", "services", "scripts"];
const PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAP8AAAAAACwAAAAAAQABAAACAkQBADs=";
/** What scripts/build-vision.sh needs before it looks for a compiler. */
const TOOLS = ["sh", "dirname"];

/** What was built is looked for beside this package, wherever it is: so it is here, but for its sources. */
const OWN = "node-llama-cpp";

async function checkout(root: string): Promise<void> {
  for (const name of SOURCES) await cp(join(REPOSITORY, name), join(root, name), WHOLE);
  const [from, to] = [join(REPOSITORY, "node_modules"), join(root, "node_modules")];
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name.startsWith(".") || name === OWN) continue;
    // Workspaces are links already, to where they are in each checkout.
    if (name === "@localmodel") await cp(join(from, name), join(to, name), WHOLE);
    else await symlink(join(from, name), join(to, name));
  }
  await mkdir(join(to, OWN));
  for (const name of await readdir(join(from, OWN))) {
    const [one, other] = [join(from, OWN, name), join(to, OWN, name)];
    await (name === "llama" ? symlink(one, other) : cp(one, other, WHOLE));
  }
}

async function toolsAlone(bin: string): Promise<string> {
  await mkdir(bin);
  await symlink(process.execPath, join(bin, "node"));
  for (const tool of TOOLS) {
    const { stdout } = await promisify(execFile)("sh", ["-c", `command -v ${tool}`]);
    await symlink(stdout.trim(), join(bin, tool));
  }
  return bin;
}

const skip = process.platform === "win32";

test(
  "a model with a projector serves text, and says in one line what to install",
  { skip },
  async () => {
    await using folder = await TemporaryFolder.create();
    const root = folder.file("checkout");
    await mkdir(root);
    await checkout(root);
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    const model = folder.file("model.yaml");
    await writeFile(
      model,
      `apiVersion: localmodel.dev/v1alpha1
kind: LocalModel
metadata: { name: eyes }
spec:
  source: { file: { path: ${JSON.stringify(weightsPath)} } }
  projector: { file: { path: ${JSON.stringify(projectorPath)} } }
  engine: { slots: 1, threads: 1, gpuLayers: 0 }
`,
    );
    await using local = new LocalMode({
      main: join(root, "services/local/main.ts"),
      arguments: [model, "--port", "0"],
      environment: { PATH: await toolsAlone(folder.file("bin")) },
    });
    const client = new OpenAI({ baseURL: await local.url(), apiKey: "unused", maxRetries: 8 });
    const ask = (content: OpenAI.ChatCompletionUserMessageParam["content"]) =>
      client.chat.completions.create({
        model: "eyes",
        max_tokens: 4,
        messages: [{ role: "user", content }],
      });
    assert.equal((await ask("Hello")).choices.length, 1);
    const said = local.output.split("\n").filter((line) => /install/.test(line));
    assert.equal(said.length, 1, local.output);
    assert.match(said[0] ?? "", /eyes.*only read text: .*install g\+\+ or clang\+\+/);
    await assert.rejects(ask([{ type: "image_url", image_url: { url: PIXEL } }]), (error) => {
      assert.ok(error instanceof BadRequestError);
      assert.equal(error.code, "model_not_multimodal");
      assert.match(error.message, /an image/);
      return true;
    });
  },
);
