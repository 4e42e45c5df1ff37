/** Local mode as people start and end it, through the real npm. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { descendantsOf } from "../support/process-tree.ts";
import { sampleGguf } from "../support/sample-gguf.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const PATIENCE = { timeout: 60_000 };

async function npmStart(t: TestContext, given: readonly string[], home = "/nowhere") {
  // A test runs inside npm itself, whose variables would be taken for those of the npm that is started here.
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"));
  const npm = spawn("npm", ["start", ...given], {
    cwd: ROOT,
    env: { ...Object.fromEntries(kept), HOME: home, npm_config_update_notifier: "false" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  t.after(() => {
    // Of its own group, so that nothing of it is left, whatever becomes of npm.
    if (npm.pid !== undefined) killGroup(npm.pid);
  });
  const run = { npm, output: "" };
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on("data", (data) => (run.output += String(data)));
  }
  return run;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`one ${signal} to npm ends all that it started, and frees the port`, async (t) => {
    await using folder = await TemporaryFolder.create();
    const run = await npmStart(t, ["--", folder.path, "--port", "0"]);
    await t.waitFor(() => assert.match(run.output, /listens on/), PATIENCE);
    const [, port] = /localhost:(\d+)/.exec(run.output) ?? [];
    const started = await descendantsOf(run.npm.pid ?? 0);
    assert.ok(started.some(({ command }) => command.includes("api/main.ts")));
    run.npm.kill(signal);
    await t.waitFor(async () => assert.equal(await answers(Number(port)), false), PATIENCE);
  });
}

test("options that npm keeps for itself are told with what to type", async (t) => {
  for (const given of [
    ["--port", "8080"],
    ["--gpu-layers=0", "model.gguf"],
  ]) {
    const run = await npmStart(t, given);
    await once(run.npm, "close");
    assert.match(run.output, /npm kept --(port|gpu-layers) for itself; options come after a --/);
  }
});

test("a path that begins with ~ is in the home folder, also where the shell left it alone", async (t) => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("keys.yaml"), "keys: []\n");
  await writeFile(folder.file("tiny.gguf"), sampleGguf().subarray(0, 100));
  const given = ["--", "~/tiny.gguf", "--keys=~/keys.yaml", "--port", "0"];
  const run = await npmStart(t, given, folder.path);
  await once(run.npm, "close");
  // It got as far as the file itself.
  assert.ok(run.output.includes(`${folder.file("tiny.gguf")}: is not served: it is incomplete`));
});
