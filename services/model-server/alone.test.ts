/** The server as the only service of a container: nobody listens but Kubernetes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { SERVER_CONFIG_VARIABLE } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { parseTermination } from "@localmodel/localmodel/contracts/termination.ts";
import { writeHtml } from "../../test/support/broken-models.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../test/support/tiny-models.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function start(t: TestContext, folder: TemporaryFolder, config: object) {
  const text = JSON.stringify({ modelId: "m", createdSeconds: 0, ...config });
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "inherit", "pipe"],
    env: {
      ...process.env,
      LOG_FORMAT: "json",
      [SERVER_CONFIG_VARIABLE]: text,
      LOCALMODEL_TERMINATION_LOG: folder.file("termination-log"),
    },
  });
  t.after(() => child.kill("SIGKILL"));
  const server = { child, output: "" };
  child.stderr.setEncoding("utf8").on("data", (more: string) => (server.output += more));
  return server;
}

test("a model that cannot be served ends the container, with the reason", async (t) => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("model.gguf");
  await writeHtml(weightsPath);
  const { child } = start(t, folder, { weightsPath });
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 1);
  const words = parseTermination(await readFile(folder.file("termination-log"), "utf8"));
  assert.equal(words?.reason, "NotAGguf");
  assert.match(words.message, /is not a GGUF file: there is a web page/);
  assert.doesNotMatch(words.message, /DOCTYPE/);
});

test("a configuration that makes no sense ends the container, with the reason", async (t) => {
  await using folder = await TemporaryFolder.create();
  const { child } = start(t, folder, { weightsPath: "" });
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 2);
  const words = parseTermination(await readFile(folder.file("termination-log"), "utf8"));
  assert.equal(words?.reason, "BadConfiguration");
});

test("/readyz tells the state, with 503 until the model serves", async (t) => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("model.gguf");
  await writeTinyChatModel(weightsPath);
  const server = start(t, folder, { weightsPath, engine: { gpuLayers: 0, threads: 1 } });
  const seen = new Set<string>();
  await t.waitFor(
    async () => {
      const url = /"url":"([^"]+)"/.exec(server.output)?.[1] ?? "";
      const response = await fetch(`${url}/readyz`);
      const { state } = (await response.json()) as ServerState;
      seen.add(`${response.status} ${state}`);
      assert.equal(state, "ready");
    },
    { interval: 1, timeout: 30_000 },
  );
  seen.delete("503 loading");
  assert.deepEqual([...seen], ["200 ready"]);
  server.child.kill("SIGTERM");
  const [code] = (await once(server.child, "exit")) as [number];
  assert.equal(code, 0);
});
