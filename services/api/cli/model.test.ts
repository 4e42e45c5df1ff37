import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gateway, model } from "../fixtures/gateway.ts";
import { key, ringOf, secretOf } from "../fixtures/keys.ts";

const MAIN = fileURLToPath(new URL("model.ts", import.meta.url));

type Run = { readonly stdout: string; readonly stderr: string; readonly code?: number };

async function run(args: readonly string[], secret = ""): Promise<Run> {
  const env = { ...process.env, ...(secret !== "" && { LOCALMODEL_API_KEY: secret }) };
  return promisify(execFile)(process.execPath, [MAIN, ...args], { env }).catch(
    (thrown) => thrown as Run,
  );
}

test("loads a model and lets it go, for who may", async (t) => {
  const unloaded: string[] = [];
  const models = [
    model("a/m", { server: "s", endpoints: ["http://127.0.0.1:9"], activationTimeoutSeconds: 9 }),
  ];
  const sleep = {
    watch: () => {},
    changed: () => {},
    unload: ({ id }: { readonly id: string }) => void unloaded.push(id),
  };
  const directory = { current: () => ({ models }), known: true, sleep };
  const keys = ringOf(key("root", { admin: true }), key("guest"));
  const { url } = await gateway(t, [], { directory, keys });
  const root = secretOf("root");
  assert.equal((await run(["load", "a/m", "--url", url], root)).stdout, "a/m: ready\n");
  assert.match(
    (await run(["unload", "a/m", "--url", url], root)).stdout,
    /^a\/m: It goes to sleep/,
  );
  assert.deepEqual(unloaded, ["a/m"]);
  // As npm start says where it listens.
  const base = ["--url", `${url}/v1/`];
  assert.equal((await run(["load", "a/m", ...base], root)).stdout, "a/m: ready\n");
  const absent = await run(["load", "a/m", "--url", "http://127.0.0.1:1/v1"], root);
  assert.match(absent.stderr, /^error: nobody answers at http:\/\/127\.0\.0\.1:1;/);
  for (const command of ["load", "unload"]) {
    const { code, stderr } = await run([command, "a/m", "--url", url], secretOf("guest"));
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*admin/);
  }
  assert.equal((await run(["load", "other", "--url", url], root)).code, 1);
  assert.match((await run([])).stderr, /expected load ID or unload ID/);
  assert.deepEqual(unloaded, ["a/m"]);
});
