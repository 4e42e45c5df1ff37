/** An image for ROCm, on a real API server with its scheduler: nodes offer devices as AMD's and Intel's plugins would. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { NODES, type Pod } from "@localmodel/kube/objects/core-resources.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { eventually } from "../support/eventually.ts";
import { OperatorCluster } from "../support/operator-cluster.ts";

const AMD = "amd.com/gpu";
const INTEL = "gpu.intel.com/xe";
const ROCM = "model-server:rocm";
const VULKAN = "model-server:vulkan";
const withoutRocm = { images: { cpu: "model-server:cpu", vulkan: VULKAN } };
const withRocm = {
  images: { ...withoutRocm.images, rocm: ROCM },
  architectures: { rocm: ["amd64"] },
};

/** All is said that a header would say. */
const specWith = (resourceName: string) => ({
  source: { http },
  gpu: { resourceName },
  resources: { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } },
});

const imageOf = ({ spec }: Pod) => spec?.containers[0]?.image;

suite("a model with devices that are not NVIDIA's", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
    await cluster.addNode("amd", { [AMD]: "2" });
    const labels = { "kubernetes.io/arch": "amd64" };
    await cluster.client.mergePatch(NODES, { name: "amd" }, { metadata: { labels } });
    await cluster.addNode("intel", { [INTEL]: "1" });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test("gets the image for ROCm with AMD's devices, and Vulkan's with others", async () => {
    await using _operator = await cluster.startOperator({ config: withRocm });
    await cluster.apply("amd", specWith(AMD));
    await cluster.apply("intel", specWith(INTEL));
    const pod = await cluster.placed("amd");
    assert.equal(imageOf(pod), ROCM);
    assert.equal(pod.spec?.nodeName, "amd");
    assert.equal(imageOf(await cluster.placed("intel")), VULKAN);
    await cluster.becomesReady(pod);
    await cluster.until("amd", "Ready", "True Ready");
  });

  test("rolls to Vulkan's once there is none for ROCm any more", async () => {
    await using _operator = await cluster.startOperator({ config: withoutRocm });
    await eventually("a pod with the other image", async () => {
      assert.ok((await cluster.pods("amd")).some((pod) => imageOf(pod) === VULKAN));
    });
  });
});
