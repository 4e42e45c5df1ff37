/** Who may use local mode: the options that its API service is started with, over real sockets. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { LocalMode } from "../../test/support/local-mode.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "fixtures/local.ts");

/** Local mode without models; what follows `extra` may name the file of keys. */
async function scene(t: TestContext, keys: string, extra: (file: string) => readonly string[]) {
  const folder = await TemporaryFolder.create();
  const file = folder.file("keys.yaml");
  await writeFile(file, keys);
  await writeFile(folder.file("none.yaml"), "");
  const given = [folder.file("none.yaml"), "--port", "0", ...extra(file)];
  const local = new LocalMode({ main: MAIN, arguments: given });
  t.after(async () => {
    await local[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  return { file, local };
}

function document(...names: readonly string[]): string {
  const keys = names.map((name) => {
    const sha256 = createHash("sha256").update(`sk-${name}`).digest("hex");
    return { name, sha256 };
  });
  return JSON.stringify({ keys });
}

async function statusFor(local: LocalMode, name: string): Promise<number> {
  const headers = { authorization: `Bearer sk-${name}` };
  return (await fetch(`${await local.url()}/models`, { headers })).status;
}

test("--keys lets in who has one, and a changed file takes effect while it runs", async (t) => {
  const { file, local } = await scene(t, document("alice"), (keys) => ["--keys", keys]);
  assert.equal(await statusFor(local, "alice"), 200);
  assert.equal(await statusFor(local, "bob"), 401);
  await writeFile(file, document("bob"));
  await local.until(
    "bob gets in",
    async () => (await statusFor(local, "bob")) === 200 || undefined,
  );
  assert.equal(await statusFor(local, "alice"), 401);
});

test("a file of keys with a mistake keeps it from starting, and says where it is", async (t) => {
  const { file, local } = await scene(t, "keys:\n  - name: alice\n", (keys) => ["--keys", keys]);
  assert.equal((await local.exit()).code, 1);
  assert.ok(local.output.includes(`error: ${file}:2:5: keys[0].sha256: must be the SHA-256`));
});

test("web pages may use it if --cors names them, and none by a name of its own", async (t) => {
  const { local } = await scene(t, "", () => ["--cors", "http://localhost:3000"]);
  const url = `${await local.url()}/models`;
  const allowed = await fetch(url, { headers: { origin: "http://localhost:3000" } });
  assert.equal(allowed.headers.get("access-control-allow-origin"), "http://localhost:3000");
  const status = await new Promise((resolve, reject) => {
    const headers = { host: "evil.example" };
    request(url, { headers }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
  assert.equal(status, 403);
});
