/**
 * Models that scale by demand: woken by requests that wait, asleep when nobody asks, and as many pods as requests need.
 *
 * Nothing is tried again by the clients here: a request that is lost is a failure, whatever ends around it.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  type ChatAnswer,
  chatModule,
  heldModule,
  type LoadResult,
  loadModule,
} from "./harness/client-modules.ts";
import { run } from "../build/command.ts";
import { eventually } from "../support/eventually.ts";
import { type Kubectl, kubectlOf } from "./harness/kubectl.ts";
import { Scene, SYSTEM_NAMESPACE } from "./harness/scene.ts";

const HELD_STREAMS = 50;
const OPERATOR = "app.kubernetes.io/component=operator";

suite("a model that scales by demand", () => {
  let scene: Scene;
  let system: Kubectl;

  before(async () => {
    scene = await Scene.open("scaling");
    system = kubectlOf(scene.cluster, SYSTEM_NAMESPACE);
    await scene.model("sleepy", { scaling: { idleSeconds: 3 } });
    await scene.model("wide", {
      scaling: { minReplicas: 1, maxReplicas: 3, targetRequestsPerReplica: 2, scaleDownSeconds: 5 },
    });
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const untilAsleep = () =>
    eventually("sleepy to be asleep", async () => {
      const ready = await scene.condition("sleepy");
      assert.equal(`${ready.status} ${ready.reason}`, "True Asleep");
      assert.equal((await scene.pods("sleepy")).length, 0);
    });

  const held = async (): Promise<LoadResult> =>
    scene.inCluster(heldModule("sleepy", HELD_STREAMS), 300_000);

  test("sleeps from the start, is woken by a request, and sleeps again, several times", async () => {
    for (let times = 0; times < 3; times += 1) {
      await untilAsleep();
      const active = await scene.condition("sleepy", "Active");
      assert.equal(`${active.status} ${active.reason}`, "False Asleep");
      const answer = await scene.inCluster<ChatAnswer>(chatModule("sleepy", "Hello"), 300_000);
      assert.match(answer.text, /[a-z]/);
    }
    await untilAsleep();
  });

  test("holds fifty streams while one pod loads, though the operator is killed meanwhile", async () => {
    await untilAsleep();
    const seen = new Set<string>();
    const streams = held();
    await eventually("a pod to be made", async () => {
      for (const { metadata } of await scene.pods("sleepy")) seen.add(metadata.uid);
      assert.ok(seen.size > 0);
    });
    await system("delete", "pod", `--selector=${OPERATOR}`, "--force", "--grace-period=0");
    assert.deepEqual(await streams, { streams: HELD_STREAMS, failures: [] });
    for (const { metadata } of await scene.pods("sleepy")) seen.add(metadata.uid);
    assert.equal(seen.size, 1, "one load");
  });

  test("loses no stream when the API service is rolled while they wait", async () => {
    await untilAsleep();
    const streams = held();
    await eventually("a pod to be made", async () => {
      assert.equal((await scene.pods("sleepy")).length, 1);
    });
    await system("rollout", "restart", "deployment/localmodel-api");
    assert.deepEqual(await streams, { streams: HELD_STREAMS, failures: [] });
    await system("rollout", "status", "deployment/localmodel-api", "--timeout=120s");
    await untilAsleep();
  });

  test("sleeps and wakes although the API server restarts in between", async () => {
    const [server = ""] = scene.cluster.containers;
    await scene.inCluster<ChatAnswer>(chatModule("sleepy", "Hello"), 300_000);
    await run("docker", ["exec", server, "pkill", "-KILL", "kube-apiserver"]);
    await eventually("the API server to be back", () => scene.kubectl("get", "--raw", "/readyz"));
    await untilAsleep();
    await scene.inCluster<ChatAnswer>(chatModule("sleepy", "Hello"), 300_000);
  });

  test("has as many pods as its streams need, and none is cut when there are fewer", async () => {
    await scene.untilReady("wide", 1);
    const load = scene.startInCluster(loadModule("wide", 6));
    await scene.untilReady("wide", 3);
    const most = JSON.parse(await load.finish()) as LoadResult;
    const less = scene.startInCluster(loadModule("wide", 1));
    await scene.untilReady("wide", 1);
    const least = JSON.parse(await less.finish()) as LoadResult;
    assert.deepEqual([...most.failures, ...least.failures], []);
    const events = await scene.kubectl("get", "events", "--output=jsonpath={.items[*].reason}");
    assert.ok(
      ["ScaledUp", "ScaledDown", "FellAsleep"].every((one) => events.includes(one)),
      events,
    );
  });
});
