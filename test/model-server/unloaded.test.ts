/** A model that sleeps while its pod stays, from the API service's socket to a real llama.cpp that leaves memory and comes back. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { endpointSlice, localModel } from "../../services/api/fixtures/cluster-objects.ts";
import { chat, gateway } from "../../services/api/fixtures/gateway.ts";
import { ScriptedCluster } from "../../services/api/fixtures/scripted-cluster.ts";
import { ClusterDirectory } from "../../services/api/directory/cluster/cluster-directory.ts";
import { ModelServer } from "../support/model-server.ts";
import { childrenOf } from "../support/process-tree.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const PATIENCE = { timeout: 60_000 };
const SCALING = { minReplicas: 0, sleep: "unload", idleSeconds: 3600 };

suite("a model whose pod stays while it sleeps", { timeout: 240_000 }, () => {
  test("is listed as asleep, loaded once for many requests that are told so, and asleep again", async (t) => {
    await using folder = await TemporaryFolder.create();
    const weightsPath = folder.file("chat.gguf");
    await writeTinyChatModel(weightsPath);
    await using server = await ModelServer.ready({ weightsPath, sleepAfterSeconds: 3600 });
    await using cluster = await ScriptedCluster.start();
    await using directory = new ClusterDirectory(cluster.server.access(), {
      namespaces: [],
      log: silentLog,
      transport: { clock: new ManualClock() },
    });
    const options = { directory, adminFromLoopback: true, keepAliveMs: 20 };
    const { url } = await gateway(t, [], options);
    const port = Number(new URL(server.url).port);
    const pod = { address: "127.0.0.1", uid: "pod" };
    cluster.put("localmodels", localModel("test-model", { scaling: SCALING }));
    const ports = [{ name: "http", port }];
    cluster.put("endpointslices", endpointSlice("test-model", [pod], { ports }));
    const becomes = (state: string) =>
      t.waitFor(async () => {
        const response = await fetch(`${url}/v1/models/test-model`);
        assert.equal(((await response.json()) as { state: string }).state, state);
      }, PATIENCE);
    const engines = async () => (await childrenOf(server.process.pid ?? 0)).map(({ pid }) => pid);
    const unload = () => fetch(`${url}/v1/models/test-model/unload`, { method: "POST" });

    await becomes("ready");
    assert.equal((await unload()).status, 202);
    await becomes("asleep");
    await t.waitFor(async () => assert.deepEqual(await engines(), []), PATIENCE);
    const ask = (headers = {}) => {
      const messages = [{ role: "user", content: "Hello" }];
      const body = { model: "test-model", stream: true, max_tokens: 4, messages };
      return chat(url, body, { headers });
    };
    assert.equal((await ask({ "x-localmodel-wait": "no" })).status, 503);
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask()));
    for (const response of answers) {
      assert.equal(response.status, 200);
      assert.match(await response.text(), /\[DONE\]/);
    }
    await becomes("ready");
    assert.equal((await engines()).length, 1);
    assert.equal((await unload()).status, 202);
    await becomes("asleep");
  });
});
