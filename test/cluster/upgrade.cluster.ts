/**
 * A new image of the model servers where every device is taken, on real kubelets: four models on four devices of two nodes.
 *
 * All that ever happens to their pods is looked at, not what there is now and then.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { eventually, type Patience } from "../support/eventually.ts";
import { setDevices } from "./harness/devices.ts";
import { installChart } from "./harness/install-chart.ts";
import { tagged } from "./harness/load-images.ts";
import { TINY_FILE } from "./harness/model-files.ts";
import { type Moment, PodWatch } from "./harness/pod-watch.ts";
import { goesFirst, Scene } from "./harness/scene.ts";

const GPU = "nvidia.com/gpu";
const FLEET = ["fleet-a", "fleet-b", "fleet-c", "fleet-d"];
const GPUS_PER_NODE = 2;
/** The chart's default. */
const MAX_ROLLING = 2;
const ABSENT = "registry.invalid/localmodel-model-server:1";
/** A bound for a wait in vain. */
const PATIENCE: Patience = { timeoutMs: 300_000, intervalMs: 500 };

suite("an upgrade where every device is taken", () => {
  let scene: Scene;
  let nodes: readonly string[];

  before(async () => {
    scene = await Scene.open("upgrade");
    nodes = scene.cluster.containers;
    for (const node of nodes) await setDevices(scene.kubectl, node, GPU, GPUS_PER_NODE);
    for (const name of FLEET) {
      await scene.model(name, {
        source: { http: { url: scene.url("files", TINY_FILE) } },
        gpu: { count: 1, requirement: "Preferred" },
        engine: { slots: 1, contextTokens: 256, threads: 1 },
        resources: { requests: { cpu: "50m", memory: "128Mi" } },
      });
    }
    for (const name of FLEET) await scene.untilReady(name);
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
    for (const node of nodes) await setDevices(scene.kubectl, node, GPU, null);
    await installChart(scene.cluster, () => {});
  });

  const upgradeTo = (image?: string) => installChart(scene.cluster, () => {}, image);
  const podsOf = async () => (await Promise.all(FLEET.map((name) => scene.pods(name)))).flat();

  /** Ready, and nothing is left to do. */
  async function untilSettled(): Promise<void> {
    for (const name of FLEET) {
      await scene.untilReady(name);
      await eventually(`${name} to wait for nobody`, async () => {
        assert.doesNotMatch((await scene.condition(name)).message, /waits/);
      });
    }
    await eventually("the pods that pull to be gone", async () => {
      const pulls = "--selector=app.kubernetes.io/component=pull";
      assert.equal(await scene.kubectl("get", "pods", pulls, "--output=name"), "");
    });
  }

  test("to an image that cannot be pulled costs no pod, and tries it on one model", async () => {
    using watch = await PodWatch.start(scene);
    const old = uidsOf(await podsOf());
    await upgradeTo(ABSENT);
    const canary = await eventually(
      "a model to try it",
      async () => {
        const tried = (await podsOf()).find(({ spec }) => spec.containers[0]?.image === ABSENT);
        assert.ok(tried);
        return tried.metadata.labels["localmodel.dev/model"] ?? "";
      },
      PATIENCE,
    );
    const failed = await scene.untilReason(canary, /^ImagePullFailed$/);
    assert.match(failed.message, /registry\.invalid.* Meanwhile 1 pod answers\./s);
    for (const name of FLEET.filter((one) => one !== canary)) {
      await eventually(`${name} to wait`, async () => {
        const { status, message } = await scene.condition(name);
        assert.equal(status, "True");
        assert.match(message, /A new version of the model server waits: another model tries it/);
      });
    }
    await eventually(
      "an old pod to be the one that goes",
      async () => assert.equal((await scene.pods(canary)).filter(goesFirst).length, 1),
      PATIENCE,
    );

    await upgradeTo();
    await untilSettled();
    assert.deepEqual(uidsOf(await podsOf()), old);
    const moments = watch.moments();
    assert.equal(leastServing(moments), FLEET.length);
    assert.deepEqual([...modelsWith(ABSENT, moments)], [canary]);
  });

  test("never has more models down than it may, and none but one before that one serves", async () => {
    const image = scene.cluster.images["model-server"];
    const next = `registry.invalid/localmodel-model-server:${scene.namespace}`;
    await tagged(scene.cluster, image, next);
    using watch = await PodWatch.start(scene);
    await upgradeTo(next);
    await eventually(
      "all models to run it",
      async () => {
        const images = (await podsOf()).map(({ spec }) => spec.containers[0]?.image);
        assert.deepEqual(images, Array(FLEET.length).fill(next));
      },
      { timeoutMs: 900_000, intervalMs: 1000 },
    );
    await untilSettled();
    const moments = watch.moments();
    const served = moments.findIndex((pods) =>
      pods.some((pod) => pod.image === next && pod.serves),
    );
    const trial = moments.slice(0, served);
    assert.equal(modelsWith(next, trial).size, 1);
    assert.equal(leastServing(trial), FLEET.length - 1);
    assert.ok(
      leastServing(moments) >= FLEET.length - MAX_ROLLING,
      leastServing(moments).toString(),
    );
  });
});

type Named = { readonly metadata: { readonly uid: string } };

function uidsOf(pods: readonly Named[]): readonly string[] {
  return pods.map(({ metadata }) => metadata.uid).toSorted();
}

function leastServing(moments: readonly Moment[]): number {
  const counts = moments.map(
    (pods) => new Set(pods.filter(({ serves }) => serves).map(({ model }) => model)).size,
  );
  return Math.min(...counts);
}

function modelsWith(image: string, moments: readonly Moment[]): ReadonlySet<string> {
  return new Set(
    moments.flatMap((pods) => pods.filter((pod) => pod.image === image)).map(({ model }) => model),
  );
}
