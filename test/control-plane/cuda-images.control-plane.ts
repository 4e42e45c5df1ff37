/**
 * Two images for NVIDIA's devices, on a real API server with its scheduler: nodes are labelled as GPU feature discovery
 * would, and the test only plays kubelet.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { NODES, type Pod } from "@localmodel/kube/objects/core-resources.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { eventually } from "../support/eventually.ts";
import { OperatorCluster } from "../support/operator-cluster.ts";

const HOUR_MS = 3_600_000;
const GPU = "nvidia.com/gpu";
const DRIVER = "nvidia.com/cuda.driver-version.major";
const OLDER_DRIVER = "nvidia.com/cuda.driver.major";
const CUDA = "model-server:cuda";
const CUDA_12 = "model-server:cuda12";
const config = { images: { cpu: "model-server:cpu", cuda: CUDA, cuda12: CUDA_12 } };

/** All is said that a header would say. */
const specOn = (pool: string, memory = "1Gi") => ({
  source: { http },
  nodeSelector: { pool },
  gpu: { memory: "8Gi" },
  resources: { requests: { memory, "ephemeral-storage": "1Gi" } },
});

const imageOf = ({ spec }: Pod) => spec?.containers[0]?.image;

suite("a model with devices of NVIDIA", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  async function label(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await cluster.client.mergePatch(NODES, { name }, { metadata: { labels } });
  }

  async function addNode(
    name: string,
    pool: string,
    driver: number,
    { devices = 1, driverLabel = DRIVER }: { devices?: number; driverLabel?: string } = {},
  ): Promise<void> {
    await cluster.addNode(name, { [GPU]: String(devices) });
    await label(name, {
      pool,
      "nvidia.com/gpu.memory": "81559",
      "nvidia.com/gpu.compute.major": "8",
      "nvidia.com/gpu.compute.minor": "6",
      [driverLabel]: String(driver),
    });
  }

  async function untilImage(name: string, said: string) {
    return eventually(`status.image of ${name} to be ${said}`, async () => {
      const image = (await cluster.model(name))?.status?.image;
      assert.equal(`${image?.variant} ${image?.reason}`, said, image?.message);
      return image;
    });
  }

  test("gets the image that its nodes' drivers can run, and another one only when it rolls", async () => {
    await addNode("one", "one", 550);
    await using operator = await cluster.startOperator({ config });
    await cluster.apply("one", specOn("one"));
    const old = await cluster.placed("one");
    assert.equal(imageOf(old), CUDA_12);
    const image = await untilImage("one", "cuda12 NodesTooOld");
    assert.equal(image?.leastDriver, 550);
    assert.equal(image?.name, CUDA_12);
    assert.match(image?.message ?? "", /none can run cuda, by driver or devices: driver 550/);
    await cluster.becomesReady(old);
    await cluster.until("one", "Ready", "True Ready");

    await label("one", { [DRIVER]: "595" });
    // A number of replicas is no reason to roll, and has the operator look at it.
    await cluster.apply("one", { ...specOn("one"), replicas: 2 });
    await operator.passes(2);
    const pods = await cluster.podsWhen("one", 2);
    assert.deepEqual(pods.map(imageOf), [CUDA_12, CUDA_12]);
    assert.ok(pods.some(({ metadata }) => metadata.uid === old.metadata.uid));
    await untilImage("one", "cuda12 NodesTooOld");

    await cluster.apply("one", specOn("one", "2Gi"));
    await untilImage("one", "cuda NodesSuit");
    await eventually("a pod with the newer image", async () => {
      assert.ok((await cluster.pods("one")).some((pod) => imageOf(pod) === CUDA));
    });
  });

  test("gets the newer image in a mixed fleet, and only nodes that can run it", async () => {
    await addNode("mixed-old", "mixed", 550);
    await addNode("mixed-new", "mixed", 580);
    await using _operator = await cluster.startOperator({ config });
    await cluster.apply("mixed", specOn("mixed"));
    const pod = await cluster.placed("mixed");
    assert.equal(imageOf(pod), CUDA);
    assert.equal(pod.spec?.nodeName, "mixed-new");
  });

  test("finds its nodes by the label of an older GPU feature discovery, too", async () => {
    await addNode("labelled-old", "labelled", 550, { driverLabel: OLDER_DRIVER });
    await addNode("labelled-new", "labelled", 580, { driverLabel: OLDER_DRIVER });
    await addNode("labelled-older", "labelled-older", 550, { driverLabel: OLDER_DRIVER });
    await using _operator = await cluster.startOperator({ config });
    await cluster.apply("labelled", specOn("labelled"));
    const pod = await cluster.placed("labelled");
    assert.equal(imageOf(pod), CUDA);
    assert.equal(pod.spec?.nodeName, "labelled-new");
    await cluster.apply("labelled-older", specOn("labelled-older"));
    const older = await cluster.placed("labelled-older");
    assert.equal(imageOf(older), CUDA_12);
    const image = await untilImage("labelled-older", "cuda12 NodesTooOld");
    assert.match(image?.message ?? "", /driver 550/);
  });

  test("gets the older image where the newer one's nodes are full", async () => {
    await addNode("full-old", "full", 550);
    await addNode("full-new", "full", 580, { devices: 0 });
    await using _operator = await cluster.startOperator({ config });
    await cluster.apply("full", specOn("full"));
    const pod = await cluster.placed("full");
    assert.equal(imageOf(pod), CUDA_12);
    assert.equal(pod.spec?.nodeName, "full-old");
    await untilImage("full", "cuda12 NoRoom");
  });

  test("gets the older image for all of its replicas where one has long found no room with the newer one", async () => {
    await addNode("more-new", "more", 580);
    await using first = await cluster.startOperator({ config });
    await cluster.apply("more", specOn("more"));
    const old = await cluster.placed("more");
    assert.equal(imageOf(old), CUDA);
    await cluster.becomesReady(old);
    await cluster.until("more", "Ready", "True Ready");
    await addNode("more-old", "more", 550);
    await cluster.apply("more", { ...specOn("more"), replicas: 2 });
    await cluster.until("more", "Scheduled", "False Unschedulable");
    assert.deepEqual((await cluster.podsWhen("more", 2)).map(imageOf), [CUDA, CUDA]);
    await first[Symbol.asyncDispose]();

    await using _later = await cluster.startOperator({ config, aheadMs: HOUR_MS });
    await untilImage("more", "cuda12 NoRoom");
    const next = await eventually("a pod with the older image to be placed", async () => {
      const pod = (await cluster.pods("more")).find((one) => imageOf(one) === CUDA_12);
      assert.ok(pod?.spec?.nodeName);
      return pod;
    });
    assert.equal(next.spec?.nodeName, "more-old");
    // Nobody is ended for it.
    assert.ok(
      (await cluster.pods("more")).some(({ metadata }) => metadata.uid === old.metadata.uid),
    );
    await cluster.becomesReady(next);
    await eventually("both replicas to serve", async () => {
      await cluster.buryPods();
      const pulls = await cluster.pods("more", "pull");
      for (const pod of pulls.filter(
        ({ spec, status }) => spec?.nodeName && status?.phase !== "Succeeded",
      ))
        await cluster.report(pod, { phase: "Succeeded" });
      const pods = await cluster.pods("more");
      for (const pod of pods.filter((one) => imageOf(one) === CUDA_12 && one.spec?.nodeName))
        await cluster.becomesReady(pod);
      const nodes = pods.map(({ spec }) => spec?.nodeName ?? "").toSorted();
      assert.deepEqual(
        [pods.map(imageOf), nodes],
        [
          [CUDA_12, CUDA_12],
          ["more-new", "more-old"],
        ],
      );
    });
    await cluster.until("more", "Ready", "True Ready");
  });

  test("waits with the newer image for its first node, and takes the older one if that needs it", async () => {
    await using _operator = await cluster.startOperator({ config });
    await cluster.apply("first", specOn("first"));
    await cluster.until("first", "Scheduled", "False Unschedulable");
    await untilImage("first", "cuda NodesUnknown");
    await addNode("first", "first", 570);
    const pod = await cluster.placed("first");
    assert.equal(imageOf(pod), CUDA_12);
    await untilImage("first", "cuda12 NodesTooOld");
  });
});
