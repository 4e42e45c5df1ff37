/**
 * Models that sleep and wake, with real processes and sockets, and model servers that only pretend
 * (fixtures/model-server.ts). Each of them needs some 400 MB by the estimate, so that 600 MB hold one of them.
 */
import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { LocalMode } from "../../test/support/local-mode.ts";
import { isRunning } from "../../test/support/process-tree.ts";
import { sampleGguf } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "fixtures/local.ts");
const ONE_FITS = ["--memory", "600MB"];

type Listed = {
  readonly id: string;
  readonly state: string;
  readonly message?: string;
  readonly meta?: { readonly architecture?: string; readonly size?: number };
};
type Answer = {
  readonly pid?: number;
  readonly error?: { readonly code: string; readonly message: string };
};

class Scene {
  readonly folder: TemporaryFolder;
  readonly local: LocalMode;

  constructor(folder: TemporaryFolder, local: LocalMode) {
    this.folder = folder;
    this.local = local;
  }

  async post(id: string, body: object = {}, signal?: AbortSignal): Promise<Response> {
    return this.send("chat/completions", { model: id, ...body }, signal);
  }

  async send(url: string, body: object = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(`${await this.local.url()}/${url}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    });
  }

  /** Which process answered. */
  async ask(id: string, body: object = {}): Promise<number> {
    const response = await this.post(id, body);
    const { pid, error } = (await response.json()) as Answer;
    assert.ok(pid !== undefined, `${response.status} ${error?.message}`);
    return pid;
  }

  async models(): Promise<readonly Listed[]> {
    const response = await fetch(`${await this.local.url()}/models`);
    return ((await response.json()) as { data: Listed[] }).data;
  }

  async becomes(id: string, state: string): Promise<Listed> {
    return this.local.until(`${id} is ${state}`, async () =>
      (await this.models()).find((one) => one.id === id && one.state === state),
    );
  }

  async ends(pid: number): Promise<void> {
    await this.local.until(`process ${pid} ends`, () => (isRunning(pid) ? undefined : true));
  }

  loads(id: string): number {
    return this.local.output.match(new RegExp(`^${id}: loading$`, "gm"))?.length ?? 0;
  }

  go(name = "go"): Promise<void> {
    return writeFile(this.folder.file(name), "");
  }
}

function model(name: string, spec: string): string {
  return `apiVersion: localmodel.dev/v1alpha1\nkind: LocalModel\nmetadata: {name: ${name}}\nspec:\n  source: {file: {path: .model.gguf}}\n${spec}`;
}

function sleeper(name: string, { start = "ready", scaling = "{}", engine = "{}" } = {}): string {
  const env = `[{name: FAKE_START, value: "${start}"}]`;
  return model(name, `  scaling: ${scaling}\n  engine: ${engine}\n  env: ${env}\n`);
}

async function scene(
  t: TestContext,
  files: (folder: TemporaryFolder) => Readonly<Record<string, string | Buffer>>,
  extra: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const folder = await TemporaryFolder.create();
  await writeFile(folder.file(".model.gguf"), sampleGguf());
  for (const [name, content] of Object.entries(files(folder))) {
    await writeFile(folder.file(name), content);
  }
  const local = new LocalMode({
    main: MAIN,
    arguments: [folder.path, "--port", "0", "--allow-env", "FAKE_*", ...extra],
    environment: { LOCALMODEL_CACHE: folder.file(".cache"), ...environment },
  });
  t.after(async () => {
    await local[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const stage = new Scene(folder, local);
  await local.url();
  return stage;
}

test("all models of a folder are listed with their facts, and only the one that is asked for is loaded", async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `m${index}`);
  const stage = await scene(t, () =>
    Object.fromEntries(names.map((name, seed) => [`${name}.gguf`, sampleGguf({ seed })])),
  );
  await Promise.all(names.map((name) => stage.becomes(name, "asleep")));
  const listed = await stage.models();
  assert.deepEqual(new Set(listed.map(({ meta }) => meta?.architecture)), new Set(["llama"]));
  await stage.local.says(/^m7: asleep as m7; llama \d/m);
  await stage.ask("m7");
  await stage.becomes("m7", "ready");
  const states = (await stage.models()).filter(({ id }) => id !== "m7").map(({ state }) => state);
  assert.deepEqual(new Set(states), new Set(["asleep"]));
});

test("requests that come while a model loads wait for one load, and all are answered", async (t) => {
  const stage = await scene(t, (folder) => ({
    "a.yaml": sleeper("a", { start: `wait:${folder.file("go")}` }),
  }));
  await stage.becomes("a", "asleep");
  const answers = [stage.ask("a"), stage.ask("a"), stage.ask("a")];
  await stage.becomes("a", "loading");
  await stage.go();
  assert.equal(new Set(await Promise.all(answers)).size, 1);
  assert.equal(stage.loads("a"), 1);
});

test("a stream that waits for a load is told how far it is, if it asks for that", async (t) => {
  const stage = await scene(t, (folder) => ({
    "a.yaml": sleeper("a", { start: `wait:${folder.file("go")}` }),
  }));
  await stage.becomes("a", "asleep");
  const response = await fetch(`${await stage.local.url()}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-localmodel-wait": "progress" },
    body: JSON.stringify({
      model: "a",
      stream: true,
      do: "stream",
      until: stage.folder.file("go"),
    }),
  });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (/: the model is loading 50 %: reading tensors/.test(text)) await stage.go();
  }
  assert.match(text, /\[DONE\]\n\n$/);
});

test("who does not want to wait is told when to come again, and the model is loaded meanwhile", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }));
  await stage.becomes("a", "asleep");
  const response = await fetch(`${await stage.local.url()}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-localmodel-wait": "no" },
    body: JSON.stringify({ model: "a" }),
  });
  assert.equal(response.status, 503);
  assert.match(response.headers.get("retry-after") ?? "", /^\d+$/);
  const { error } = (await response.json()) as Answer;
  assert.equal(error?.code, "model_loading");
  await stage.becomes("a", "ready");
  await stage.ask("a");
  assert.equal(stage.loads("a"), 1);
});

test("a load that fails answers all that wait with its cause, and the next request may try again", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a", { start: "fail" }) }));
  await stage.becomes("a", "asleep");
  const answers = await Promise.all([stage.post("a"), stage.post("a")]);
  for (const answer of answers) {
    const { error } = (await answer.json()) as Answer;
    assert.equal(error?.code, "model_failed");
    assert.match(error?.message ?? "", /it is not a model/);
  }
  await stage.becomes("a", "asleep");
});

test("a load that nobody waits for any more is stopped", async (t) => {
  const stage = await scene(t, (folder) => ({
    "a.yaml": sleeper("a", { start: `wait:${folder.file("go")}` }),
  }));
  await stage.becomes("a", "asleep");
  const giveUp = new AbortController();
  const asked = stage.post("a", {}, giveUp.signal);
  await stage.becomes("a", "loading");
  const before = await stage.local.children();
  giveUp.abort();
  await assert.rejects(asked);
  await stage.becomes("a", "asleep");
  await stage.local.until("its server is gone", async () =>
    (await stage.local.children()).length < before.length ? true : undefined,
  );
  // The next one loads it anew.
  await stage.go();
  await stage.ask("a");
});

test("what does not fit beside another makes the one that nobody uses sleep", async (t) => {
  const stage = await scene(
    t,
    () => ({ "a.yaml": sleeper("a"), "b.yaml": sleeper("b") }),
    ONE_FITS,
  );
  await stage.becomes("a", "asleep");
  await stage.becomes("b", "asleep");
  const a = await stage.ask("a");
  const b = await stage.ask("b");
  await stage.ends(a);
  await stage.becomes("a", "asleep");
  assert.notEqual(await stage.ask("a"), a);
  await stage.ends(b);
});

test("where a GPU has no room for another model, the one there that nobody uses sleeps, and one beside it does not", async (t) => {
  const onGpu = { engine: "{gpuLayers: 99}" };
  const stage = await scene(
    t,
    () => ({
      "a.yaml": sleeper("a", onGpu),
      "b.yaml": sleeper("b", onGpu),
      "c.yaml": sleeper("c", { engine: "{gpuLayers: 0}" }),
    }),
    ["--memory", "4GB"],
    { FAKE_GPUS: String(1200 * 2 ** 20) },
  );
  for (const id of ["a", "b", "c"]) await stage.becomes(id, "asleep");
  await stage.local.says(/^models may have \d+ MB of Fake GPU 0$/m);
  const c = await stage.ask("c");
  const a = await stage.ask("a");
  const b = await stage.ask("b");
  await stage.ends(a);
  assert.ok(isRunning(b));
  assert.equal(await stage.ask("c"), c);
});

test("a model that asks for more of a GPU than there is says so with numbers, and no other does", async (t) => {
  const stage = await scene(
    t,
    () => ({
      "a.yaml": sleeper("a", { engine: "{gpuLayers: 99}" }),
      "b.yaml": sleeper("b"),
    }),
    ["--gpu-memory", "100MB"],
    { FAKE_GPUS: String(2 ** 30) },
  );
  const { message = "" } = await stage.becomes("a", "failed");
  assert.match(message, /it needs \d+ MB of GPU memory, and there are 100 MB for it/);
  await stage.becomes("b", "asleep");
  await stage.ask("b");
});

test("GPUs that cannot be told are not counted, and a line says so", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }), [], { FAKE_GPUS: "crash" });
  await stage.local.says(/^which GPUs there are cannot be told, .*\(exit code 7\)$/m);
  await stage.ask("a");
});

test("a stream is never cut by a model that needs its memory, and that model has its turn after it", async (t) => {
  const stage = await scene(
    t,
    () => ({ "a.yaml": sleeper("a"), "b.yaml": sleeper("b") }),
    ONE_FITS,
  );
  await stage.becomes("a", "asleep");
  await stage.becomes("b", "asleep");
  const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
  const asked = stage.ask("b");
  await stage.local.until("b waits for memory", async () =>
    (await stage.models()).find(({ message = "" }) => message.includes("waits for memory")),
  );
  assert.equal(stage.loads("b"), 0);
  await stage.go("finish");
  assert.match(await stream.text(), /\[DONE\]\n\n$/);
  await asked;
});

test("a server keeps as many cached beginnings as its model was counted with", async (t) => {
  const stage = await scene(t, () => ({
    "a.yaml": sleeper("a"),
    "b.yaml": sleeper("b", { engine: "{promptCacheMiB: 3}" }),
    "c.yaml": model("c", "  replicas: 1\n"),
  }));
  const keeps = async (id: string): Promise<number | undefined> => {
    await stage.becomes(id, id === "c" ? "ready" : "asleep");
    const answer = await (await stage.post(id)).json();
    return (answer as { engine: { promptCacheMiB?: number } }).engine.promptCacheMiB;
  };
  assert.ok((await keeps("a")) !== undefined);
  assert.equal(await keeps("b"), 3);
  assert.ok((await keeps("c")) !== undefined);
});

test("a model that can never fit says so with numbers", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }), ["--memory", "100MB"]);
  await stage.becomes("a", "failed");
  await stage.local.says(/^a: failed: it needs \d+ MB of memory/m);
  const { error } = (await (await stage.post("a")).json()) as Answer;
  assert.equal(error?.code, "model_failed");
  assert.match(error?.message ?? "", /it needs \d+ MB of memory, and there are 100 MB for it/);
});

for (const [name, scaling, body] of [
  ["its document says", "{idleSeconds: 0}", {}],
  ["a request's keep_alive says", "{}", { keep_alive: 0 }],
  ["a request's ttl says", "{}", { ttl: 0 }],
] as const) {
  test(`a model goes to sleep when nobody has used it for as long as ${name}`, async (t) => {
    const stage = await scene(t, () => ({ "a.yaml": sleeper("a", { scaling }) }));
    await stage.becomes("a", "asleep");
    await stage.ends(await stage.ask("a", body));
    await stage.becomes("a", "asleep");
  });
}

test("documents of a folder that say nothing of when they are loaded are when somebody asks", async (t) => {
  const stage = await scene(t, () => ({
    "few.yaml": [model("a", ""), model("b", "  engine: {slots: 2}\n")].join("---\n"),
    "c.yaml": model("c", "  replicas: 1\n"),
    "d.yaml": model("d", "  scaling: {minReplicas: 1}\n"),
  }));
  for (const id of ["a", "b"]) await stage.becomes(id, "asleep");
  for (const id of ["c", "d"]) await stage.becomes(id, "ready");
  await stage.ask("b");
  await stage.becomes("b", "ready");
  await stage.becomes("a", "asleep");
  assert.equal(stage.loads("a"), 0);
});

test("a document that is named is loaded at once", async (t) => {
  const folder = await TemporaryFolder.create();
  await writeFile(folder.file(".model.gguf"), sampleGguf());
  await writeFile(folder.file("a.yaml"), model("a", ""));
  const local = new LocalMode({
    main: MAIN,
    // By itself and by its folder.
    arguments: [folder.file("a.yaml"), folder.path, "--port", "0"],
    environment: { LOCALMODEL_CACHE: folder.file(".cache") },
  });
  t.after(async () => {
    await local[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  await local.says(/^a: ready as a; /m);
});

test("a model with a document that says how many replicas there are is loaded at once and stays", async (t) => {
  const stage = await scene(t, () => ({
    "a.yaml": model("a", "  replicas: 1\n"),
    "b.yaml": sleeper("b", { scaling: "{minReplicas: 1, idleSeconds: 0}" }),
  }));
  await stage.becomes("a", "ready");
  await stage.becomes("b", "ready");
  const refused = await stage.send("models/a/unload");
  assert.equal(refused.status, 400);
  assert.equal(await stage.ask("a"), await stage.ask("a"));
});

for (const name of ["generate", "chat"]) {
  const stop = `../api/${name}`;
  test(`whoever asks /api/${name} for nothing and to keep it for no time wakes nobody, and lets the model go`, async (t) => {
    const stage = await scene(t, () => ({
      "a.yaml": sleeper("a"),
      "b.yaml": model("b", "  replicas: 1\n"),
    }));
    await stage.becomes("a", "asleep");
    const done_reason = async (id: string): Promise<unknown> => {
      const answer = await stage.send(stop, { model: id, keep_alive: 0 });
      return ((await answer.json()) as { done_reason?: string }).done_reason;
    };
    assert.equal(await done_reason("a"), "unload");
    assert.equal(stage.loads("a"), 0);
    const pid = await stage.ask("a");
    const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
    assert.equal(await done_reason("a"), "unload");
    await stage.go("finish");
    assert.match(await stream.text(), /\[DONE\]\n\n$/);
    await stage.ends(pid);
    // One that stays is asked, and does not say that it goes.
    await stage.becomes("b", "ready");
    assert.equal(await done_reason("b"), undefined);
  });
}

test("whoever asks for nothing wakes a model, as long as it is to be kept", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }));
  await stage.becomes("a", "asleep");
  await (await stage.send("../api/generate", { model: "a", keep_alive: "5m" })).text();
  await stage.becomes("a", "ready");
});

test("Ollama's list tells when a model leaves memory, as its document, a request or nobody says", async (t) => {
  const stage = await scene(t, () => ({
    "a.yaml": sleeper("a", { scaling: "{idleSeconds: 7200}" }),
    "b.yaml": sleeper("b", { scaling: "{minReplicas: 1}" }),
  }));
  const hours = async (id: string): Promise<number | undefined> => {
    const response = await fetch(`${await stage.local.url()}/../api/ps`);
    const { models } = (await response.json()) as {
      models: { name: string; expires_at: string }[];
    };
    const { expires_at: at = "" } = models.find(({ name }) => name === id) ?? {};
    return at === "" ? undefined : Math.round((Date.parse(at) - Date.now()) / 3_600_000);
  };
  const becomes = (id: string, wanted: number) =>
    stage.local.until(`${id} leaves in ${wanted} h`, async () =>
      (await hours(id)) === wanted ? true : undefined,
    );
  await Promise.all([stage.becomes("a", "asleep"), stage.becomes("b", "ready")]);
  await stage.ask("a");
  await becomes("a", 2);
  await stage.ask("a", { keep_alive: "5h" });
  await becomes("a", 5);
  await stage.ask("a");
  await becomes("a", 2);
  // As long as it is used.
  const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
  assert.equal(await hours("a"), 2);
  await stage.go("finish");
  await stream.text();
  await stage.ask("a", { keep_alive: -1 });
  const forEver = await hours("b");
  assert.ok((forEver ?? 0) > 24 * 365 * 100);
  await becomes("a", forEver ?? 0);
});

function noList(got: string): string {
  return `400 Invalid type for 'messages': expected an array, but got ${got} instead.`;
}

test("a request that its model would refuse anyhow wakes nobody", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }));
  await stage.becomes("a", "asleep");
  const refused = async (url: string, body: object) => {
    const answer = await stage.send(url, { model: "a", ...body });
    const { error } = (await answer.json()) as { error: Answer["error"] | string };
    return `${answer.status} ${typeof error === "string" ? error : error?.message}`;
  };
  assert.equal(await refused("chat/completions", { messages: "hi" }), noList("a string"));
  assert.equal(await refused("messages", { messages: { role: "user" } }), noList("an object"));
  assert.equal(await refused("../api/chat", { messages: 1.5 }), noList("a decimal number"));
  const embed = { input: "hi" };
  assert.match(await refused("embeddings", embed), /^400 .*does not support embeddings/);
  assert.match(await refused("rerank", { query: "a", documents: ["b"] }), /^400 .*reranking/);
  assert.equal(stage.loads("a"), 0);
});

test("models are loaded and put to sleep on demand", async (t) => {
  const stage = await scene(t, () => ({ "a.yaml": sleeper("a") }));
  await stage.becomes("a", "asleep");
  const loaded = await stage.send("models/a/load");
  assert.deepEqual(await loaded.json(), { id: "a", state: "ready" });
  const pid = await stage.ask("a");
  const stream = await stage.post("a", { do: "stream", until: stage.folder.file("finish") });
  assert.equal((await stage.send("models/a/unload")).status, 202);
  // Not under a stream.
  await stage.go("finish");
  assert.match(await stream.text(), /\[DONE\]\n\n$/);
  await stage.ends(pid);
  await stage.becomes("a", "asleep");
});

test("a model whose file goes while it sleeps is not listed any more", async (t) => {
  const stage = await scene(t, () => ({
    "a.gguf": sampleGguf(),
    "b.gguf": sampleGguf({ seed: 2 }),
  }));
  await stage.becomes("a", "asleep");
  await rm(stage.folder.file("a.gguf"));
  await stage.local.until("a is gone", async () =>
    (await stage.models()).some(({ id }) => id === "a") ? undefined : true,
  );
  await stage.ask("b");
});

test("a model whose file is replaced while it sleeps is listed as what it is now, and loaded so", async (t) => {
  const stage = await scene(t, () => ({ "a.gguf": sampleGguf({ rows: 8 }) }));
  const { meta: before } = await stage.becomes("a", "asleep");
  await writeFile(stage.folder.file("next"), sampleGguf({ rows: 16 }));
  await rename(stage.folder.file("next"), stage.folder.file("a.gguf"));
  await stage.local.until("a is known anew", async () => {
    const [now] = await stage.models();
    return now?.state === "asleep" && (now.meta?.size ?? 0) > (before?.size ?? 0)
      ? true
      : undefined;
  });
  const pid = await stage.ask("a");
  await writeFile(stage.folder.file("next"), sampleGguf({ rows: 8 }));
  await rename(stage.folder.file("next"), stage.folder.file("a.gguf"));
  await stage.becomes("a", "asleep");
  assert.notEqual(await stage.ask("a"), pid);
});
