import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { ScriptedCluster, whileTimePasses } from "../fixtures/scripted-cluster.ts";
import { key, secretOf } from "../fixtures/keys.ts";
import { ClusterKeys } from "./cluster-keys.ts";
import { keysFrom } from "./key-source.ts";

function secret(name: string, document: string) {
  const data = { "keys.yaml": Buffer.from(document).toString("base64") };
  return { metadata: { name, namespace: "serving", uid: name }, data };
}

function documentOf(...names: readonly string[]): string {
  return JSON.stringify({ keys: names.map((name) => key(name)) });
}

async function scene(t: TestContext) {
  const cluster = await ScriptedCluster.start();
  const clock = new ManualClock();
  const lines: string[] = [];
  const write = (message: string, fields?: object) =>
    void lines.push(message + JSON.stringify(fields ?? {}));
  const log = { debug: write, info: write, warn: write, error: write };
  const access = cluster.server.access();
  const source = new ClusterKeys(access, { namespace: "serving", log, transport: { clock } });
  t.after(async () => {
    await source[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  const eventually = whileTimePasses(t, clock);
  const names = () => source.current().map(({ name }) => name);
  // What happens between the list and the watch, this API server does not tell.
  const watching = () => eventually(() => assert.equal(cluster.openWatches, 1));
  return { cluster, source, lines, eventually, names, watching };
}

test("nobody gets in, and nobody is refused for good, before the Secrets are known", async (t) => {
  const { source, eventually, names } = await scene(t);
  assert.throws(() => source.current(), { status: 503 });
  await eventually(() => assert.deepEqual(names(), []));
});

test("keys come and go with their Secrets", async (t) => {
  const { cluster, source, eventually, names, watching } = await scene(t);
  await watching();
  cluster.put("secrets", secret("b", documentOf("bob")));
  cluster.put("secrets", secret("a", documentOf("alice", "ann")));
  await eventually(() => assert.deepEqual(names(), ["alice", "ann", "bob"]));
  const keys = keysFrom([source]);
  assert.equal(keys.ring()?.find(secretOf("bob"))?.name, "bob");
  cluster.remove("secrets", secret("b", documentOf("bob")));
  await eventually(() => assert.deepEqual(names(), ["alice", "ann"]));
  assert.equal(keys.ring()?.find(secretOf("bob")), undefined);
});

test("a Secret that becomes invalid keeps its keys, and the log says what is wrong where", async (t) => {
  const { cluster, lines, eventually, names, watching } = await scene(t);
  await watching();
  cluster.put("secrets", secret("a", documentOf("alice")));
  await eventually(() => assert.deepEqual(names(), ["alice"]));
  cluster.put("secrets", secret("a", "keys: [{ name: alice, sha256: sk-secret }]"));
  await eventually(() =>
    assert.match(lines.join(""), /secret\/a\/keys\.yaml:1:31: keys\[0\]\.sha256: must be/),
  );
  assert.doesNotMatch(lines.join(""), /sk-secret/);
  assert.deepEqual(names(), ["alice"]);
  cluster.put("secrets", secret("a", documentOf("ann")));
  await eventually(() => assert.deepEqual(names(), ["ann"]));
});

test("only Secrets with the label are asked for, in one namespace", async (t) => {
  const { cluster, eventually } = await scene(t);
  await eventually(() => assert.ok(cluster.openWatches > 0));
  const { path, query } = cluster.server.exchanges[0]?.received ?? {};
  assert.equal(path, "/api/v1/namespaces/serving/secrets");
  assert.equal(query?.get("labelSelector"), "localmodel.dev/api-keys=true");
});
