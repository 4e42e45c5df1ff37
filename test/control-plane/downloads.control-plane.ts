/**
 * Caches that are filled before there are pods, on a real API server with its controllers; the test plays kubelet.
 *
 * What a claim without a volume is told of comes from the volume controller itself.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  CacheCleaning,
  CLEANING_PERIOD_MS,
  CLEANING_VARIABLE,
  fetchedMessage,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { containerStatus, eventually, OperatorCluster } from "../support/operator-cluster.ts";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";

const fromHost = (host: string) => ({ source: { http: { url: `https://${host}/model.gguf` } } });
const resources = { requests: { memory: "1Gi" } };
const shared = { claimTemplate: { size: "1Gi", accessMode: "ReadWriteMany" as const } };
const asking = (spec: Partial<LocalModelSpecInput> = {}): LocalModelSpecInput => ({
  ...fromHost("models.example"),
  resources,
  // Nobody has to read a header for it.
  gpu: { count: 1, requirement: "Preferred" },
  cache: shared,
  ...spec,
});

suite("weights that are there before devices are asked for", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start();
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  const fetchPod = async (name: string): Promise<Pod> => {
    const [pod] = await cluster.podsWhen(name, 1, "fetch");
    assert.ok(pod);
    return pod;
  };

  const fetched = async (pod: Pod) => {
    // The one that has begun has a node already.
    if ((pod.spec?.nodeName ?? "") === "") await cluster.schedule(pod);
    const ended = { terminated: { exitCode: 0, reason: "Completed" } };
    await cluster.report(pod, {
      phase: "Succeeded",
      containerStatuses: [containerStatus("fetch", ended)],
    });
  };

  test("a pod without devices fetches, then the model gets its pods and the first one goes", async () => {
    await using _operator = await cluster.startOperator();
    await cluster.apply("first", asking());
    const pod = await fetchPod("first");
    assert.deepEqual(await cluster.pods("first"), []);
    await cluster.schedule(pod);
    await cluster.report(pod, {
      phase: "Running",
      podIP: "127.0.0.1",
      podIPs: [{ ip: "127.0.0.1" }],
      containerStatuses: [containerStatus("fetch", { running: {} })],
    });
    const progress = { message: "", receivedBytes: 25, totalBytes: 100, stalled: false };
    cluster.answers.set(pod.metadata.name, { from: "fetch", progress });
    const ready = await eventually(async () => {
      const said = await cluster.condition("first", "Ready");
      assert.match(said?.message ?? "", /25 %/);
      return said;
    });
    assert.equal(ready?.reason, "Downloading");
    assert.equal(await cluster.deployment("first"), undefined);
    await fetched({ ...pod, spec: { containers: [], nodeName: "node-1" } });
    const [server] = await cluster.podsWhen("first", 1);
    assert.ok(server);
    await eventually(async () => {
      await cluster.buryPods();
      assert.deepEqual(await cluster.pods("first", "fetch"), []);
    });
    await cluster.serve(server);
    await cluster.until("first", "Ready", "True Ready");
    assert.ok((await cluster.model("first"))?.status?.cache);
    // Whoever looks after it next has not to fetch again.
    await using again = await cluster.startOperator();
    await again.passes(1);
    assert.deepEqual(await cluster.pods("first", "fetch"), []);
  });

  test("a model with no replicas is fetched ahead, and then starts at once", async () => {
    await using _operator = await cluster.startOperator();
    await cluster.apply("ahead", asking({ cache: shared, replicas: 0 }));
    const pod = await fetchPod("ahead");
    await cluster.until("ahead", "Ready", "False Suspended");
    await fetched(pod);
    await eventually(async () => {
      const said = await cluster.condition("ahead", "Ready");
      assert.match(said?.message ?? "", /weights are in the cache/);
    });
    await cluster.scale("ahead", 1);
    await cluster.podsWhen("ahead", 1);
    await eventually(async () => {
      await cluster.buryPods();
      assert.deepEqual(await cluster.pods("ahead", "fetch"), []);
    });
  });

  test("a pod that fills a cache anew is told what the pods on its claim use", async () => {
    await using _operator = await cluster.startOperator();
    const cache = { ...shared, unused: { maxAgeDays: 30 } };
    await cluster.apply("cleaned", asking({ cache }));
    await fetched(await fetchPod("cleaned"));
    const [server] = await cluster.podsWhen("cleaned", 1);
    assert.ok(server);
    const used = "a".repeat(64);
    await cluster.serve(server, fetchedMessage([used]));
    await cluster.until("cleaned", "Ready", "True Ready");
    await eventually(async () => {
      await cluster.buryPods();
      assert.deepEqual(await cluster.pods("cleaned", "fetch"), []);
    });
    const source = { http: { url: "https://models.example/next.gguf" } };
    await cluster.apply("cleaned", asking({ cache, source }));
    const next = await fetchPod("cleaned");
    const env = next.spec?.containers[0]?.env ?? [];
    const told = env.find(({ name }) => name === CLEANING_VARIABLE)?.value ?? "";
    const { keepBlobs, keepSources, maxAgeDays } = CacheCleaning.parse(JSON.parse(told));
    assert.deepEqual([keepBlobs, maxAgeDays], [[used], 30]);
    assert.deepEqual(keepSources, [source]);
  });

  test("a cache that is filled is cleaned a day later, by a pod that goes again", async () => {
    const cache = { ...shared, unused: { maxSize: "1Gi" } };
    const name = "cleaned-daily";
    {
      await using _operator = await cluster.startOperator();
      await cluster.apply(name, asking({ cache }));
      await fetched(await fetchPod(name));
      const [server] = await cluster.podsWhen(name, 1);
      assert.ok(server);
      await cluster.serve(server, fetchedMessage(["b".repeat(64)]));
      await cluster.until(name, "Ready", "True Ready");
      await eventually(async () => {
        await cluster.buryPods();
        assert.deepEqual(await cluster.pods(name, "fetch"), []);
      });
    }
    await using _later = await cluster.startOperator({ aheadMs: CLEANING_PERIOD_MS });
    const pod = await fetchPod(name);
    const env = new Map(pod.spec?.containers[0]?.env?.map((one) => [one.name, one.value]));
    const { keepBlobs, maxBytes } = CacheCleaning.parse(
      JSON.parse(env.get(CLEANING_VARIABLE) ?? ""),
    );
    assert.deepEqual([keepBlobs, maxBytes], [["b".repeat(64)], 2 ** 30]);
    assert.match(env.get("FETCH_CONFIG") ?? "", /"files":\[\]/);
    // It serves meanwhile.
    await cluster.until(name, "Ready", "True Ready");
    await fetched(pod);
    await eventually(async () => {
      await cluster.buryPods();
      assert.deepEqual(await cluster.pods(name, "fetch"), []);
    });
    const { filledAt = "", cleanedAt = "" } = (await cluster.model(name))?.status?.cache ?? {};
    assert.ok(cleanedAt > filledAt);
  });

  test("of downloads from one host no more are under way than may be, and the next one takes its turn", async () => {
    const config = { downloads: { maxPerHost: 2 } };
    await using _operator = await cluster.startOperator({ config });
    const names = ["one", "two", "three", "four"];
    await Promise.all(names.map((name) => cluster.apply(name, asking(fromHost("busy.example")))));
    await cluster.apply("elsewhere", asking(fromHost("other.example")));
    await fetchPod("elsewhere");
    const counts = async () => {
      const pods = await Promise.all(names.map((name) => cluster.pods(name, "fetch")));
      const reasons = await Promise.all(names.map((name) => cluster.condition(name, "Ready")));
      const queued = reasons.filter((one) => one?.reason === "DownloadQueued").length;
      return { pods: pods.flat(), queued };
    };
    const first = await eventually(async () => {
      const now = await counts();
      assert.deepEqual([now.pods.length, now.queued], [2, 2]);
      return now;
    });
    assert.ok(first.pods[0]);
    await fetched(first.pods[0]);
    await eventually(async () => {
      await cluster.buryPods();
      const now = await counts();
      assert.deepEqual([now.pods.length, now.queued], [2, 1]);
    });
  });

  test("a StorageClass that is not there is named, and no node is asked for", async () => {
    await using _operator = await cluster.startOperator();
    const claimTemplate = { size: "1Gi", storageClassName: "not-there" };
    await cluster.apply("classless", asking({ cache: { claimTemplate } }));
    const said = await cluster.until("classless", "Ready", "False VolumeMissing");
    assert.match(said.message, /"not-there" not found/);
    assert.doesNotMatch(said.message, /node/);
    assert.deepEqual(await cluster.pods("classless"), []);
  });
});
