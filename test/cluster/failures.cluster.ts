/**
 * What a person is told when something is wrong, on a real cluster: the reason and what to do, from the
 * failure itself and not from a time-out; and that putting it right is enough.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { eventually } from "../support/eventually.ts";
import { setDevices } from "./harness/devices.ts";
import { WEIGHTS_FILE, WEIGHTS_SHA256 } from "./harness/model-files.ts";
import { Scene } from "./harness/scene.ts";

type Failure = {
  readonly spec: (scene: Scene) => Partial<LocalModelSpecInput>;
  readonly reason: RegExp;
  readonly message: RegExp;
};

const http =
  (behaviour: string, more: object = {}) =>
  (scene: Scene) => ({
    source: { http: { url: scene.url(behaviour), ...more } },
  });

const failures: Readonly<Record<string, Failure>> = {
  "a file that is not there": {
    spec: http("missing"),
    reason: /^NotFound$/,
    message: /404/,
  },
  "a file that is not for everybody": {
    spec: http("forbidden"),
    reason: /^Unauthorized$/,
    message: /403/,
  },
  "a file with other bytes": {
    spec: http("wrong"),
    reason: /^NotAGguf$/,
    message: /GGUF/,
  },
  "a file that never comes whole": {
    spec: http("truncated"),
    reason: /^(Truncated|SourceUnavailable|DownloadStalled)$/,
    message: /./,
  },
  "a server that is not there": {
    spec: () => ({ source: { http: { url: "http://nowhere.invalid/model.gguf" } } }),
    reason: /^(SourceUnavailable|DownloadStalled)$/,
    message: /nowhere\.invalid/,
  },
  "a checksum that does not match": {
    spec: (scene) => ({ source: { http: { url: scene.url() }, sha256: "0".repeat(64) } }),
    reason: /^ChecksumMismatch$/,
    message: /sha256/i,
  },
  "a Secret that is missing": {
    spec: http("files", { headersSecretRef: { name: "credentials" } }),
    reason: /^SecretMissing$/,
    message: /credentials/,
  },
  "an image that is not there": {
    spec: () => ({
      source: {
        image: { reference: "localmodel-test/none:1", path: WEIGHTS_FILE, pullPolicy: "Never" },
      },
    }),
    reason: /^ImagePullFailed$/,
    message: /localmodel-test\/none:1/,
  },
  "a path that an image does not have": {
    spec: (scene) => ({
      source: {
        image: {
          reference: scene.cluster.images.weights,
          path: "other.gguf",
          pullPolicy: "IfNotPresent",
        },
      },
    }),
    reason: /^NotFound$/,
    message: /other\.gguf/,
  },
  "too little memory": {
    spec: () => ({ resources: { requests: { cpu: "100m" }, limits: { memory: "96Mi" } } }),
    reason: /^(OutOfMemory|DoesNotFit)$/,
    message: /memory/,
  },
  "no node that would do": {
    spec: () => ({ nodeSelector: { "example.com/none": "true" } }),
    reason: /^Unschedulable$/,
    message: /./,
  },
  "a source that only one machine can have": {
    spec: () => ({ source: { file: { path: "/model.gguf" } } }),
    reason: /^Unsupported/,
    message: /file/,
  },
};

suite("a LocalModel that cannot be served", { concurrency: 4 }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.open("failures");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("is served once its source has been put right", async () => {
    await scene.model("repaired", { source: { http: { url: scene.url("missing") } } });
    await scene.untilReason("repaired", /^NotFound$/);
    await scene.model("repaired", {
      source: { http: { url: scene.url() }, sha256: WEIGHTS_SHA256 },
    });
    await scene.untilReady("repaired");
    await scene.kubectl("delete", "localmodel", "repaired");
  });

  test("is served once the Secret it needs is there", async () => {
    const source = { http: { url: scene.url(), headersSecretRef: { name: "late" } } };
    await scene.model("late-secret", { source });
    await scene.untilReason("late-secret", /^SecretMissing$/);
    await scene.kubectl(
      "create",
      "secret",
      "generic",
      "late",
      "--from-literal=authorization=Bearer x",
    );
    await scene.untilReady("late-secret");
    await scene.kubectl("delete", "localmodel", "late-secret");
  });

  test("gets its id when the older one that holds it goes", async () => {
    await scene.model("older", { modelId: "org/shared" });
    await scene.untilReady("older");
    await scene.model("younger", { modelId: "org/shared" });
    const lost = await scene.untilReason("younger", /^DuplicateModelId$/);
    assert.match(lost.message, /older/);
    assert.deepEqual(await scene.pods("younger"), []);
    await scene.kubectl("delete", "localmodel", "older");
    await scene.untilReady("younger");
    await scene.kubectl("delete", "localmodel", "younger");
  });

  test("waits for a node with such a GPU, names what is missing, and runs without if it may", async (context) => {
    const node = scene.cluster.containers[1];
    if (node === undefined) return context.skip("the cluster has no node that may get GPUs");
    const gpus = (count: number | null) => setDevices(scene.kubectl, node, "nvidia.com/gpu", count);
    const memory = (mebibytes: string) =>
      scene.kubectl("label", "node", node, "--overwrite", mebibytes);
    context.after(async () => {
      await memory("nvidia.com/gpu.memory-");
      await gpus(null);
    });
    const gpu = { count: 1, memory: "16Gi" };
    await scene.model("on-gpu", { gpu });
    const none = await scene.untilReason("on-gpu", /^Unschedulable$/);
    assert.match(none.message, /nvidia\.com\/gpu/);
    await gpus(2);
    await memory("nvidia.com/gpu.memory=8192");
    const small = await scene.untilReason("on-gpu", /^Unschedulable$/);
    assert.notEqual(small.message, "");
    await memory("nvidia.com/gpu.memory=24576");
    await eventually("the pod to be on the node with GPUs", async () => {
      const [pod] = await scene.pods("on-gpu");
      assert.equal(pod?.spec.nodeName, node);
    });
    // What the node says it has, there is not: nobody finds out but the server.
    const missing = await scene.untilReason("on-gpu", /^AcceleratorMissing$/);
    assert.match(missing.message, /spec\.gpu\.requirement to Preferred/);
    await scene.model("on-gpu", { gpu: { ...gpu, requirement: "Preferred" } });
    await scene.untilReady("on-gpu");
    await scene.kubectl("delete", "localmodel", "on-gpu");
  });

  for (const [index, [name, { spec, reason, message }]] of Object.entries(failures).entries()) {
    test(`says so: ${name}`, async () => {
      const model = `failure-${index}`;
      await scene.model(model, spec(scene));
      const condition = await scene.untilReason(model, reason);
      assert.equal(condition.status, "False");
      assert.match(condition.message, message);
      assert.equal((await scene.condition(model, "Progressing")).observedGeneration, 1);
      await scene.kubectl("delete", "localmodel", model);
    });
  }
});
