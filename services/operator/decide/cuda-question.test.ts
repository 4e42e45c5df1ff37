/** When it is decided which image for NVIDIA's devices a model gets, and which nodes count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Node, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import {
  inspection,
  modelWith,
  observedWith,
  platform,
  podWith,
  readyPod,
  unscheduledPod,
} from "../fixtures/models.ts";
import type { DeviceNode, Observed } from "../model/observed.ts";
import type { CudaImage, Platform } from "../model/platform.ts";
import { sourceHash } from "../objects/inspect-pod.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { answered, concerns, cudaQuestion } from "./cuda-question.ts";

/** Since pods that find no node have waited. */
const afterMs = (minutes: number) => Date.parse("2026-01-01T00:00:00Z") + minutes * 60_000;
const NOW_MS = afterMs(10);
const two: Platform = {
  ...platform,
  leastCudaDriver: 580,
  leastCuda12Driver: 550,
  images: { ...platform.images, cuda12: "server:cuda12" },
};
const known = (spec: Partial<LocalModelSpecInput> = { gpu: {} }) => {
  const model = modelWith(spec);
  const status = { inspection: { sourceHash: sourceHash(model), ...inspection } };
  return { model, status };
};

function nodeWith(labels: Readonly<Record<string, string>>, devices = 1): DeviceNode {
  const allocatable = {
    cpu: "64",
    memory: "200Gi",
    pods: "110",
    "ephemeral-storage": "200Gi",
    "nvidia.com/gpu": String(devices),
  };
  const node = { metadata: { name: "node", labels }, status: { allocatable } } as unknown as Node;
  return { node, pods: [] };
}

const driver = (major: number, [compute, minor]: readonly number[] = [8, 6]) => ({
  "nvidia.com/cuda.driver-version.major": String(major),
  "nvidia.com/gpu.compute.major": String(compute),
  "nvidia.com/gpu.compute.minor": String(minor),
});

function chosenOn(
  nodes: readonly DeviceNode[],
  spec: Partial<LocalModelSpecInput> = { gpu: {} },
): string {
  const { model, status } = known(spec);
  const question = cudaQuestion(model, two, observedWith({ status }), NOW_MS);
  assert.equal(question.kind, "open");
  if (question.kind !== "open") return "";
  const { image, reason } = answered(question, two, nodes);
  return `${image} ${reason}`;
}

test("a node is for an image by its driver, and by what its devices need of the driver", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [driver(580), "cuda NodesSuit"],
    [driver(579), "cuda12 NodesTooOld"],
    [driver(549), "cuda NodesUnknown"],
    // H100: the image for CUDA 13 leaves its code to a driver that knows CUDA 13.1.
    [driver(580, [9, 0]), "cuda12 NodesTooOld"],
    [driver(590, [9, 0]), "cuda NodesSuit"],
    // Volta, which CUDA 13 does not know.
    [driver(580, [7, 0]), "cuda12 NodesTooOld"],
    [driver(590, [7, 5]), "cuda NodesSuit"],
    [driver(580, [12, 0]), "cuda NodesSuit"],
    [{ "nvidia.com/cuda.driver-version.major": "580" }, "cuda NodesSuit"],
    // GPU feature discovery before 0.15 sets this label alone, and later ones both.
    [{ "nvidia.com/cuda.driver.major": "580" }, "cuda NodesSuit"],
    [{ "nvidia.com/cuda.driver.major": "550" }, "cuda12 NodesTooOld"],
    [{ ...driver(580), "nvidia.com/cuda.driver.major": "550" }, "cuda NodesSuit"],
    [{ ...driver(550), "nvidia.com/cuda.driver.major": "580" }, "cuda12 NodesTooOld"],
  ];
  for (const [labels, want] of cases) {
    assert.equal(chosenOn([nodeWith(labels)]), want, JSON.stringify(labels));
  }
});

test("only nodes that the pods could run on count", () => {
  const nodes = [
    nodeWith({ ...driver(590), pool: "other" }),
    nodeWith({ ...driver(550), pool: "mine" }),
  ];
  assert.equal(chosenOn(nodes, { gpu: {}, nodeSelector: { pool: "mine" } }), "cuda12 NodesTooOld");
  assert.equal(chosenOn(nodes), "cuda NodesSuit");
  const small = { ...driver(590), "nvidia.com/gpu.memory": "8000" };
  const large = { ...driver(550), "nvidia.com/gpu.memory": "81000" };
  const roomy = { gpu: { memory: "40Gi" } };
  assert.equal(chosenOn([nodeWith(small), nodeWith(large)], roomy), "cuda12 NodesTooOld");
  const { node } = nodeWith(driver(590));
  const taints = [{ key: "team", value: "other", effect: "NoSchedule" }];
  const tainted = { node: { ...node, spec: { taints } }, pods: [] };
  assert.equal(chosenOn([tainted, nodeWith(driver(550))]), "cuda12 NodesTooOld");
});

test("a node that is full, cordoned or not ready gives way to one that has room", () => {
  const { node } = nodeWith(driver(590));
  const away: readonly DeviceNode[] = [
    nodeWith(driver(590), 0),
    { node: { ...node, spec: { unschedulable: true } }, pods: [] },
    {
      node: {
        ...node,
        spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
      },
      pods: [],
    },
  ];
  for (const one of away) {
    assert.equal(chosenOn([one, nodeWith(driver(550))]), "cuda12 NoRoom");
    assert.equal(chosenOn([one]), "cuda NodesSuit");
  }
});

test("nodes whose pods nobody has looked at are taken to have room", () => {
  const { node } = nodeWith(driver(590), 0);
  assert.equal(chosenOn([{ node }, nodeWith(driver(550))]), "cuda NodesSuit");
});

/** With a Deployment of that image, and pods of its revision. */
function standing(image: CudaImage, pods: (revision: string) => readonly Pod[]): Observed {
  const { model, status } = known();
  const template = podTemplate(model, { ...two, cudaImage: image }, inspection);
  const revision = template.metadata.annotations[REVISION_ANNOTATION] ?? "";
  const deployment = {
    metadata: { name: "localmodel-llama" },
    spec: { replicas: 1, template },
  } as unknown as Deployment;
  return observedWith({ status, deployment, pods: pods(revision) });
}

const kindFor = (observed: Observed, spec: Partial<LocalModelSpecInput> = { gpu: {} }) =>
  cudaQuestion(known(spec).model, two, observed, NOW_MS).kind;

test("what pods run stays while one serves or loads, whatever nodes say meanwhile", () => {
  const serves = standing("cuda12", (revision) => [readyPod({ revision })]);
  const loads = standing("cuda12", (revision) => [podWith({}, { revision })]);
  const scales = standing("cuda12", (revision) => [
    readyPod({ revision }),
    { ...unscheduledPod("0/1 nodes"), metadata: podWith({}, { name: "b", revision }).metadata },
  ]);
  for (const observed of [serves, loads, scales]) {
    const question = cudaQuestion(known().model, two, observed, NOW_MS);
    assert.equal(question.kind, "settled");
    assert.deepEqual(question.kind === "settled" && question.choice.image, "cuda12");
  }
});

test("it is open again once a pod has found no node for as long as an autoscaler takes, where pods are kept to nodes", () => {
  const waits = standing("cuda", (revision) => [
    readyPod({ revision }),
    { ...unscheduledPod("0/1 nodes"), metadata: podWith({}, { name: "b", revision }).metadata },
  ]);
  const { model } = known();
  assert.equal(cudaQuestion(model, two, waits, afterMs(14)).kind, "settled");
  const again = cudaQuestion(
    { ...model, spec: { ...model.spec, replicas: 2 } },
    two,
    waits,
    afterMs(16),
  );
  assert.ok(again.kind === "open");
  const old = nodeWith(driver(550));
  assert.equal(answered(again, two, [nodeWith(driver(590), 1), old]).image, "cuda12");
  // Without a node that would do, or with room for all on newer ones, nothing rolls.
  assert.equal(answered(again, two, [nodeWith(driver(590), 1)]).image, "cuda");
  assert.equal(answered(again, two, [nodeWith(driver(590), 2), old]).image, "cuda");
});

test("it is open where pods roll anyway, find no node, or fail", () => {
  const serves = standing("cuda12", (revision) => [readyPod({ revision })]);
  assert.equal(kindFor(serves, { gpu: {}, engine: { slots: 7 } }), "open");
  const unplaced = standing("cuda", (revision) => [
    { ...unscheduledPod("0/1 nodes"), metadata: podWith({}, { revision }).metadata },
  ]);
  const question = cudaQuestion(known().model, two, unplaced, NOW_MS);
  assert.equal(question.kind === "open" && question.current, "cuda");
  const none = standing("cuda", () => []);
  assert.equal(kindFor(none), "open");
  const failed = standing("cuda", (revision) => [podWith({ phase: "Failed" }, { revision })]);
  assert.equal(kindFor(failed), "open");
});

test("a server that finds its driver too old makes it an older image", () => {
  const message = JSON.stringify({ reason: "DriverTooOld", message: "It is 550." });
  const terminated = { exitCode: 1, reason: "Error", message };
  const observed = standing("cuda", (revision) => [
    podWith(
      {
        phase: "Running",
        containerStatuses: [
          {
            name: "server",
            image: "server:cuda",
            imageID: "x",
            ready: false,
            restartCount: 1,
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated },
          },
        ],
      },
      { revision },
    ),
  ]);
  const question = cudaQuestion(known().model, two, observed, NOW_MS);
  assert.equal(question.kind === "open" && question.refuted, "cuda");
});

test("what was said when it was chosen is said as long as it stays", () => {
  const observed = standing("cuda12", (revision) => [readyPod({ revision })]);
  const image = {
    name: "server:cuda12",
    variant: "cuda12",
    reason: "NodesTooOld",
    message: "Drivers were old.",
  };
  const question = cudaQuestion(
    known().model,
    two,
    {
      ...observed,
      status: { ...observed.status, image },
    },
    NOW_MS,
  );
  assert.equal(question.kind === "settled" && question.choice.message, "Drivers were old.");
});

test("of one image, of none, and of an image of the model's own nothing is decided", () => {
  const { model, status } = known();
  const observed = observedWith({ status });
  const alone = { ...two, images: { cpu: "server:cpu", cuda12: "server:cuda12" } };
  const question = cudaQuestion(model, alone, observed, NOW_MS);
  assert.equal(question.kind === "settled" && question.choice.image, "cuda12");
  assert.equal(
    cudaQuestion(model, { ...two, images: { cpu: "c" } }, observed, NOW_MS).kind,
    "none",
  );
  for (const spec of [
    {},
    { gpu: { resourceName: "amd.com/gpu" } },
    { gpu: {}, runtime: { image: "server:1" } },
  ]) {
    assert.equal(cudaQuestion(known(spec).model, two, observed, NOW_MS).kind, "none");
  }
});

test("nothing is asked about nodes before weights are known, nor for a model without pods", () => {
  assert.equal(cudaQuestion(modelWith({ gpu: {} }), two, observedWith(), NOW_MS).kind, "settled");
  const { model, status } = known({ gpu: {}, replicas: 0 });
  assert.equal(cudaQuestion(model, two, observedWith({ status }), NOW_MS).kind, "settled");
});

test("nodes that its pods may not run on need not be looked at", () => {
  const { model, status } = known({ gpu: {}, nodeSelector: { pool: "mine" } });
  const question = cudaQuestion(model, two, observedWith({ status }), NOW_MS);
  assert.ok(question.kind === "open");
  assert.equal(concerns(question, nodeWith(driver(590)).node), false);
  assert.equal(concerns(question, nodeWith({ ...driver(470), pool: "mine" }).node), true);
});
