/**
 * Models that scale by demand: woken by requests that wait, and asleep when nobody asks.
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
} from "./harness/client-modules.ts";
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
});
