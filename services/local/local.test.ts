/**
 * Local mode with real processes and sockets, and model servers that only pretend (fixtures/model-server.ts).
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { FileServer } from "../../test/support/file-server.ts";
import { LocalMode } from "../../test/support/local-mode.ts";
import { isRunning } from "../../test/support/process-tree.ts";
import { sampleGguf } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "fixtures/local.ts");

type Identity = {
  pid: number;
  modelId: string;
  aliases: string[];
  engine: { slots: number };
  knowsIt: boolean;
  keySha256: string[];
};
type Failure = { error: { message: string; code: string } };

class Scene {
  readonly folder: TemporaryFolder;
  readonly local: LocalMode;

  constructor(folder: TemporaryFolder, local: LocalMode) {
    this.folder = folder;
    this.local = local;
  }

  async post(id: string, body: object = {}): Promise<Response> {
    return fetch(`${await this.local.url()}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: id, ...body }),
    });
  }

  /** Who serves the model, waiting for it. */
  async served(
    id: string,
    isRight: (identity: Identity) => boolean = () => true,
  ): Promise<Identity> {
    return this.local.until(`${id} is served`, async () => {
      const response = await this.post(id);
      const body = (await response.json()) as Identity;
      return response.ok && isRight(body) ? body : undefined;
    });
  }

  /** The error of a model that is not served, waiting for its code. */
  async refused(id: string, code: string): Promise<string> {
    return this.local.until(`${id} is refused with ${code}`, async () => {
      const response = await this.post(id);
      const body = (await response.json()) as Partial<Failure>;
      return body.error?.code === code ? body.error.message : undefined;
    });
  }

  async ids(): Promise<string[]> {
    const response = await fetch(`${await this.local.url()}/models`);
    return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  }

  /** As editors save: a new file takes the place of the old one. */
  async save(name: string, ...documents: string[]): Promise<void> {
    await writeFile(this.folder.file(`.${name}.swp`), documents.join("---\n"));
    await rename(this.folder.file(`.${name}.swp`), this.folder.file(name));
  }
}

/** One that is loaded at once. */
function model(name: string, spec = "", source = "{file: {path: .model.gguf}}"): string {
  const replicas = spec.includes("replicas") ? "" : "  replicas: 1\n";
  return `apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nmetadata: {name: ${name}}\nspec:\n  source: ${source}\n${spec}${replicas}`;
}

function startAs(behaviour: string): string {
  return `  env: [{name: FAKE_START, value: "${behaviour}"}]\n`;
}

async function scene(
  t: TestContext,
  files: Record<string, string>,
  extra: string[] = [],
): Promise<Scene> {
  const folder = await TemporaryFolder.create();
  await writeFile(folder.file(".model.gguf"), sampleGguf());
  for (const [name, text] of Object.entries(files)) await writeFile(folder.file(name), text);
  const local = new LocalMode({
    main: MAIN,
    arguments: [folder.path, "--port", "0", "--allow-env", "FAKE_*", ...extra],
    environment: { LOCALMODEL_CACHE: folder.file(".cache") },
  });
  t.after(async () => {
    await local[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  return new Scene(folder, local);
}

test("models are served by id and alias, and what is going on is printed", async (t) => {
  const stage = await scene(t, {
    "a.yaml": model("a", "  aliases: [org/alias]\n  engine: {slots: 2}\n"),
    "b.yaml": model("b"),
  });
  assert.equal((await stage.served("org/alias")).modelId, "a");
  assert.equal((await stage.served("b")).modelId, "b");
  assert.deepEqual((await stage.ids()).toSorted(), ["a", "b"]);
  await stage.local.says(/^a: loading$/m);
  await stage.local.says(
    /^a: ready as a, org\/alias; fake 1\.5M F32, 2\.00 MB; 2 slots of 1024 tokens; 3\.00 MB of memory$/m,
  );
  await stage.local.says(
    /^ {2}curl http:\/\/localhost:\d+\/v1\/chat\/completions .*"model":"[ab]"/m,
  );
});

test("a document does not get its own code run by a variable, and whoever starts it may allow that", async (t) => {
  await using proof = await TemporaryFolder.create();
  const script = proof.file("script.cjs");
  await writeFile(script, `require("fs").writeFileSync(${JSON.stringify(proof.file("ran"))}, "")`);
  const env = `  env: [{name: NODE_OPTIONS, value: "--require ${script}"}]\n`;
  const documents = { "a.yaml": model("a", env), "b.yaml": model("b") };
  const stage = await scene(t, documents);
  await stage.served("b");
  await stage.local.says(
    /a\.yaml:1:1: spec\.env\[0\]\.name: NODE_OPTIONS may not be set by a LocalModel, .*start with --allow-env and its name$/m,
  );
  assert.deepEqual(await stage.ids(), ["b"]);
  assert.equal(existsSync(proof.file("ran")), false);
  const allowing = await scene(t, documents, ["--allow-env", "NODE_OPTIONS"]);
  await allowing.served("a");
  assert.equal(existsSync(proof.file("ran")), true);
});

test("each server knows the API service by a key of its own, which stands in no process's arguments", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a"), "b.yaml": model("b") });
  const servers = [await stage.served("a"), await stage.served("b")];
  assert.deepEqual(
    servers.map(({ knowsIt }) => knowsIt),
    [true, true],
  );
  assert.equal(new Set(servers.flatMap(({ keySha256 }) => keySha256)).size, 2);
});

test("a server that is killed is started again, and the others go on serving", async (t) => {
  const stage = await scene(t, { "all.yaml": [model("a"), model("b")].join("---\n") });
  const [a, b] = [await stage.served("a"), await stage.served("b")];
  process.kill(a.pid, "SIGKILL");
  await stage.local.says(
    /^a: its server ended unexpectedly \(signal SIGKILL\); it starts again now$/m,
  );
  assert.equal((await stage.served("b")).pid, b.pid);
  const again = await stage.served("a", ({ pid }) => pid !== a.pid);
  assert.equal(again.modelId, "a");
});

test("a server that keeps crashing is told of, waits longer each time, and is a 503 that may be retried", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a", startAs("crash")), "b.yaml": model("b") });
  await stage.served("b");
  await stage.local.says(
    /^a: its server ended unexpectedly \(exit code 7, 3 times in a row\); it starts again in 2 s$/m,
  );
  const message = await stage.refused("a", "model_loading");
  assert.match(message, /exit code 7/);
});

test("a model that cannot be served says why, and an edit repairs it", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a", startAs("fail")) });
  assert.match(await stage.refused("a", "model_failed"), /it is not a model/);
  await stage.local.says(/^a: failed: it is not a model$/m);
  await stage.save("a.yaml", model("a"));
  await stage.served("a");
});

test("a changed document replaces its server without a gap", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a"), "b.yaml": model("b") });
  const [before, other] = [await stage.served("a"), await stage.served("b")];
  const done = new AbortController();
  const statuses = new Set<number>();
  const asking = (async () => {
    while (!done.signal.aborted) statuses.add((await stage.post("a")).status);
  })();
  await stage.save(
    "a.yaml",
    model("a", `  engine: {slots: 7}\n${startAs(`wait:${stage.folder.file("go")}`)}`),
  );
  await stage.local.until("the new server loads", () =>
    stage.local.output.match(/^a: loading$/gm)?.length === 2 ? true : undefined,
  );
  assert.equal((await stage.served("a")).pid, before.pid);
  await writeFile(stage.folder.file("go"), "");
  const now = await stage.served("a", ({ engine }) => engine.slots === 7);
  await stage.local.until("the old server is gone", () =>
    isRunning(before.pid) ? undefined : true,
  );
  done.abort();
  await asking;
  assert.deepEqual([...statuses], [200]);
  assert.notEqual(now.pid, before.pid);
  assert.equal((await stage.served("b")).pid, other.pid);
});

test("a stream that runs on the replaced server is finished there", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  const before = await stage.served("a");
  const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
  await stage.save("a.yaml", model("a", "  engine: {slots: 7}\n"));
  await stage.served("a", ({ pid }) => pid !== before.pid);
  assert.ok(isRunning(before.pid));
  await writeFile(stage.folder.file("finish"), "");
  assert.match(await stream.text(), /\[DONE\]\n\n$/);
  await stage.local.until("the old server ends", () => (isRunning(before.pid) ? undefined : true));
});

test("a document that becomes invalid leaves its model as it was, and says where it is wrong", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  const { pid } = await stage.served("a");
  await stage.save("a.yaml", model("a", "  engine: {slots: none}\n"));
  await stage.local.says(/a\.yaml:6:\d+: spec\.engine\.slots: .*none/);
  assert.equal((await stage.served("a")).pid, pid);
  await stage.save("a.yaml", "{{{");
  await stage.local.says(/a\.yaml:1:/);
  assert.equal((await stage.served("a")).pid, pid);
  await stage.save("a.yaml", model("a", "  engine: {slots: 5}\n"));
  await stage.served("a", ({ engine }) => engine.slots === 5);
});

test("a new revision that cannot be served leaves the old one serving", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  const { pid } = await stage.served("a");
  await stage.save("a.yaml", model("a", startAs("fail")));
  await stage.local.says(
    /^a: failed: it is not a model\na: goes on being served as it was before$/m,
  );
  assert.equal((await stage.served("a")).pid, pid);
});

test("documents that appear are served, and those that go are not", async (t) => {
  const stage = await scene(t, {});
  await stage.local.says(/There is no LocalModel and no GGUF to serve/);
  await stage.save("a.yaml", model("a"));
  const a = await stage.served("a");
  await stage.save("b.yaml", model("b"));
  await stage.served("b");
  await rm(stage.folder.file("a.yaml"));
  assert.match(await stage.refused("a", "model_not_found"), /Available models: `b`/);
  await stage.local.until("its server ends", () => (isRunning(a.pid) ? undefined : true));
  await stage.save("b.yaml", model("b", "  replicas: 0\n"));
  await stage.refused("b", "model_not_found");
});

test("of two models that claim an id the older keeps it, and the other gets it when that goes", async (t) => {
  const stage = await scene(t, { "z.yaml": model("first", "  modelId: shared\n") });
  const first = await stage.served("shared");
  await stage.save("a.yaml", model("second", "  modelId: shared\n  aliases: [other]\n"));
  await stage.local.says(/^second: does not get the id "shared", which first had before$/m);
  const second = await stage.served("other");
  assert.notEqual(second.pid, first.pid);
  assert.equal((await stage.served("shared")).pid, first.pid);
  await rm(stage.folder.file("z.yaml"));
  const heir = await stage.served("shared", ({ pid }) => pid !== first.pid);
  assert.deepEqual(heir.aliases, ["other"]);
});

test("the API service that is killed comes back on its port and knows the models", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  const { pid } = await stage.served("a");
  const api = (await stage.local.children()).find(({ command }) => command.includes("api/main.ts"));
  process.kill(api?.pid ?? 0, "SIGKILL");
  await stage.local.says(/api service ended unexpectedly/i);
  assert.equal((await stage.served("a")).pid, pid);
});

test("Ctrl-C lets streams finish, ends with 0 and leaves nothing behind", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  await stage.served("a");
  const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
  // A terminal sends SIGINT to every process, so children get it too and must not mind.
  for (const { pid } of await stage.local.children()) process.kill(pid, "SIGINT");
  stage.local.process.kill("SIGINT");
  await stage.local.says(/Finishing open requests/);
  await writeFile(stage.folder.file("finish"), "");
  assert.match(await stream.text(), /\[DONE\]\n\n$/);
  assert.deepEqual(await stage.local.exit(), { code: 0, signal: null });
  assert.deepEqual(stage.local.orphans(), []);
});

test("a second Ctrl-C ends at once and leaves nothing behind", async (t) => {
  const stage = await scene(t, { "a.yaml": model("a") });
  await stage.served("a");
  const stream = await stage.post("a", { do: "stream" });
  await stage.local.children();
  stage.local.process.kill("SIGINT");
  await stage.local.says(/Finishing open requests/);
  const broken = assert.rejects(stream.text());
  await stage.local.until("the second Ctrl-C is heard", () => {
    if (stage.local.process.exitCode !== null) return true;
    stage.local.process.kill("SIGINT");
    return undefined;
  });
  assert.equal((await stage.local.exit()).code, 130);
  await broken;
  await stage.local.until("all its processes are gone", () =>
    stage.local.orphans().length === 0 ? true : undefined,
  );
});

test("nothing outlives a supervisor that is killed", async (t) => {
  const stage = await scene(t, {
    "a.yaml": model("a"),
    "b.yaml": model("b", startAs("wait:/nowhere")),
  });
  await stage.served("a");
  await stage.local.says(/^b: loading$/m);
  assert.ok((await stage.local.children()).length >= 2);
  stage.local.process.kill("SIGKILL");
  await stage.local.exit();
  await stage.local.until("all its processes are gone", () =>
    stage.local.orphans().length === 0 ? true : undefined,
  );
});

test("a port that is taken is told before anything is downloaded", async (t) => {
  await using files = await FileServer.start(() => ({ body: sampleGguf() }));
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  const source = `{http: {url: "${files.url("/model.gguf")}"}}`;
  const stage = await scene(t, { "a.yaml": model("a", "", source) }, ["--port", String(port)]);
  await stage.local.children();
  assert.equal((await stage.local.exit()).code, 1);
  assert.match(stage.local.output, new RegExp(`^error: .*port ${port}.*already uses`, "m"));
  assert.match(stage.local.output, new RegExp(`npm start -- --port ${port + 1}`));
  assert.equal(files.seen.length, 0);
  assert.deepEqual(stage.local.orphans(), []);
});

test("while weights are downloaded the answer is a 503 with progress, and Ctrl-C ends it promptly", async (t) => {
  const body = sampleGguf();
  await using files = await FileServer.start(() => ({
    body,
    stallAfter: Math.ceil(body.length / 2),
  }));
  const source = `{http: {url: "${files.url("/model.gguf")}"}}`;
  const stage = await scene(t, { "a.yaml": model("a", "", source) });
  const message = await stage.local.until("progress is reported", async () => {
    const text = await stage.refused("a", "model_loading");
    return text.includes("%") ? text : undefined;
  });
  assert.match(message, /downloading \(\d+ %\): [\d.]+ k?B of [\d.]+ kB\./);
  await stage.local.says(/^a: Downloading: +\d+% of/m);
  stage.local.process.kill("SIGINT");
  assert.deepEqual(await stage.local.exit(), { code: 0, signal: null });
});

test("weights that are not there fail that model only", async (t) => {
  const stage = await scene(t, {
    "a.yaml": model("a", "", "{file: {path: missing.gguf}}"),
    "b.yaml": model("b"),
  });
  assert.match(await stage.refused("a", "model_failed"), /missing\.gguf/);
  await stage.served("b");
});
