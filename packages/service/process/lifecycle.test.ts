import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { SUPERVISED_VARIABLE } from "./lifecycle.ts";

const SERVICE = join(import.meta.dirname, "../fixtures/service.ts");

async function start(t: TestContext, how: "alone" | "supervised" | "with a parent") {
  const env = { ...process.env, ...(how === "supervised" && { [SUPERVISED_VARIABLE]: "1" }) };
  const child =
    how === "alone"
      ? spawn(process.execPath, [SERVICE], { stdio: ["pipe", "pipe", "inherit"] })
      : fork(SERVICE, { env, stdio: ["pipe", "pipe", "inherit", "ipc"] });
  t.after(() => child.kill("SIGKILL"));
  const service = { child, output: "", exited: once(child, "exit") as Promise<[number | null]> };
  child.stdout?.on("data", (data) => (service.output += String(data)));
  await said(t, service, "started");
  return service;
}

async function said(t: TestContext, service: { output: string }, words: string): Promise<void> {
  await t.waitFor(() => assert.match(service.output, new RegExp(words)), { timeout: 20_000 });
}

function tell(child: ChildProcess, words: string): void {
  child.stdin?.write(`${words}\n`);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  test(`${signal} runs the handler, and the process ends with 0 when it is done`, async (t) => {
    const service = await start(t, "alone");
    service.child.kill(signal);
    await said(t, service, `stopping ${signal}`);
    tell(service.child, "finish");
    assert.deepEqual((await service.exited)[0], 0);
  });
}

test("a second, different signal ends at once", async (t) => {
  const service = await start(t, "alone");
  service.child.kill("SIGINT");
  await said(t, service, "stopping");
  service.child.kill("SIGTERM");
  assert.equal((await service.exited)[0], 143);
  assert.match(service.output, /at once/);
});

test("a second Ctrl-C ends at once, but one key press that arrives twice does not", async (t) => {
  const service = await start(t, "alone");
  service.child.kill("SIGINT");
  service.child.kill("SIGINT");
  await said(t, service, "stopping");
  await t.waitFor(
    () => {
      service.child.kill("SIGINT");
      assert.match(service.output, /at once/);
    },
    { timeout: 20_000 },
  );
  assert.equal((await service.exited)[0], 130);
});

test("a handler that fails ends the process with 1", async (t) => {
  const service = await start(t, "alone");
  service.child.stderr?.resume();
  service.child.kill("SIGTERM");
  await said(t, service, "stopping");
  tell(service.child, "fail");
  assert.equal((await service.exited)[0], 1);
});

test("a supervised process leaves Ctrl-C to its supervisor and obeys SIGTERM", async (t) => {
  const service = await start(t, "supervised");
  service.child.kill("SIGINT");
  service.child.send("still there?");
  await once(service.child, "message");
  service.child.kill("SIGTERM");
  await said(t, service, "stopping SIGTERM");
  tell(service.child, "finish");
  assert.equal((await service.exited)[0], 0);
  assert.doesNotMatch(service.output, /SIGINT/);
});

test("a process whose parent is no supervisor of ours ends on its SIGINT", async (t) => {
  const service = await start(t, "with a parent");
  service.child.kill("SIGINT");
  await said(t, service, "stopping SIGINT");
  tell(service.child, "finish");
  assert.equal((await service.exited)[0], 0);
});

/** As npm runs a script: a launcher, its shell, the script. */
async function launch(t: TestContext, { shell }: { shell: string }) {
  const launcher = spawn(process.execPath, ["-e", LAUNCHER, shell], {
    env: { ...process.env, npm_lifecycle_event: "start", NODE: process.execPath, SERVICE },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const service = { child: launcher, output: "" };
  launcher.stdout.on("data", (data) => (service.output += String(data)));
  await said(t, service, "started");
  const [, pid = ""] = /started (\d+)/.exec(service.output) ?? [];
  t.after(() => {
    launcher.kill("SIGKILL");
    spawnSync("kill", ["-KILL", pid]);
  });
  return service;
}

const LAUNCHER = `
  const shell = require("node:child_process").spawn("sh", ["-c", process.argv[1]], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => shell.kill(signal));
  shell.on("exit", () => process.exit());
`;
const SHELLS = {
  "a shell that stays": '"$NODE" "$SERVICE"; exit $?',
  "a shell that makes way": 'exec "$NODE" "$SERVICE"',
};

for (const [name, shell] of Object.entries(SHELLS)) {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`${signal} to npm ends what it started, behind ${name}`, async (t) => {
      const service = await launch(t, { shell });
      service.child.kill(signal);
      await said(t, service, "stopping (orphaned|SIGTERM)");
    });
  }
}

test("the end of the parent is a request to stop", async (t) => {
  const service = await start(t, "with a parent");
  service.child.disconnect();
  await said(t, service, "stopping disconnect");
  tell(service.child, "finish");
  assert.equal((await service.exited)[0], 0);
});

test("the end of the parent during a drain ends at once", async (t) => {
  const service = await start(t, "with a parent");
  service.child.kill("SIGTERM");
  await said(t, service, "stopping SIGTERM");
  service.child.disconnect();
  assert.equal((await service.exited)[0], 1);
});

test("messages go both ways, and telling nobody is harmless", async (t) => {
  const service = await start(t, "with a parent");
  service.child.send({ number: 1 });
  const [answer] = (await once(service.child, "message")) as [unknown];
  assert.deepEqual(answer, { echo: { number: 1 } });
  await start(t, "alone");
});
