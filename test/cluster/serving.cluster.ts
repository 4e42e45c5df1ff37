/**
 * From `kubectl apply` to an answer, and what must not disturb the answers that follow: more replicas, a roll,
 * a node that is drained. In the end nothing is left.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse } from "yaml";
import {
  ALL_OPEN,
  type ChatAnswer,
  chatModule,
  type LoadResult,
  loadModule,
  modelsModule,
  type OpenResult,
  openModule,
  type Refusal,
  refusalModule,
} from "./harness/client-modules.ts";
import { eventually } from "../support/eventually.ts";
import { REPOSITORY } from "../build/places.ts";
import { ADAPTER_FILE, WEIGHTS_FILE, WEIGHTS_SHA256 } from "./harness/model-files.ts";
import { Scene } from "./harness/scene.ts";

const QUESTION = "What is the capital of France?";
const LANES = 3;
const STREAMS = 100;

suite("a LocalModel that is applied to a cluster", () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.open("serving");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("answers an OpenAI client in another pod, through the API service", async () => {
    const example = await readFile(join(REPOSITORY, "examples/smollm2-135m-cluster.yaml"), "utf8");
    const document = parse(example) as { metadata: object; spec: object };
    const source = { http: { url: scene.url() }, sha256: WEIGHTS_SHA256 };
    await scene.apply({
      ...document,
      metadata: { ...document.metadata, namespace: scene.namespace },
      spec: { ...document.spec, source, resources: { requests: { cpu: "200m" } } },
    });
    await scene.untilReady("smollm2");
    const answer = await scene.inCluster<ChatAnswer>(chatModule("smollm2", QUESTION));
    assert.ok(answer.pieces > 1 && answer.totalTokens > 8, JSON.stringify(answer));
    assert.equal(answer.text, answer.whole);
    assert.match(answer.text, /[a-z]/);
    // Models of scenarios before this one may not have gone yet.
    const ids = await scene.inCluster<readonly string[]>(modelsModule());
    assert.ok(ids.includes("smollm2"), ids.join(", "));
  });

  test("has a status that says what its weights are and what memory they take", async () => {
    const { status } = await scene.stored("smollm2");
    assert.equal(status?.modelId, "smollm2");
    assert.equal(status?.model?.architecture, "llama");
    assert.equal(status?.model?.sizeBytes, 98_362_432);
    assert.match(status?.model?.quantization ?? "", /Q4_1/);
    assert.deepEqual(status?.model?.capabilities, ["chat", "completions"]);
    const columns = await scene.kubectl("get", "lm", "smollm2", "--no-headers");
    assert.match(columns, /^smollm2\s+smollm2\s+True\s+Ready\s+1\s+1\s/);
  });

  test("is served from an image volume without being copied", async () => {
    const reference = scene.cluster.images.weights;
    const image = { reference, path: WEIGHTS_FILE, pullPolicy: "IfNotPresent" as const };
    await scene.model("from-image", { source: { image, sha256: WEIGHTS_SHA256 } });
    await scene.untilReady("from-image");
    const answer = await scene.inCluster<ChatAnswer>(chatModule("from-image", QUESTION));
    assert.equal(answer.text, answer.whole);
    assert.match(answer.text, /[a-z]/);
    await scene.kubectl("delete", "localmodel", "from-image");
  });

  test("answers with an adapter that clients choose by its own id", async (context) => {
    context.after(() => scene.kubectl("delete", "localmodel", "plain"));
    const adapters = [{ id: "noisy", http: { url: scene.url("files", ADAPTER_FILE) } }];
    await scene.model("plain", { adapters });
    await scene.untilReady("plain");
    const answers = await Promise.all(
      ["plain", "noisy"].map((id) => scene.inCluster<ChatAnswer>(chatModule(id, QUESTION))),
    );
    assert.equal(answers[0]?.text, answers[0]?.whole);
    // Its stream may differ from its whole answer: with an adapter's own matrices, what is read from the cache and what was
    // evaluated at once differ in the last bits, and noise has near ties.
    assert.notEqual(answers[0]?.text, answers[1]?.text);
    assert.equal((await scene.pods("plain")).length, 1);
    const ids = await scene.inCluster<readonly string[]>(modelsModule());
    assert.ok(ids.includes("plain") && ids.includes("noisy"), ids.join(", "));
  });

  test("gets replicas on other nodes through its scale subresource", async () => {
    await scene.kubectl("scale", "localmodel/smollm2", "--replicas=2");
    await scene.untilReady("smollm2", 2);
    const nodes = new Set((await scene.pods("smollm2")).map(({ spec }) => spec.nodeName));
    assert.equal(nodes.size, 2);
  });

  test("rolls to new settings under load without a client noticing", async () => {
    const old = new Set((await scene.pods("smollm2")).map(({ metadata }) => metadata.uid));
    const load = await scene.startInCluster(loadModule("smollm2", LANES));
    const patch = JSON.stringify({ spec: { engine: { slots: 3 } } });
    await scene.kubectl("patch", "localmodel", "smollm2", "--type=merge", "--patch", patch);
    await scene.untilReady("smollm2", 2);
    await eventually("every old pod to be gone", async () => {
      const left = (await scene.pods("smollm2")).filter(({ metadata }) => old.has(metadata.uid));
      assert.equal(left.length, 0);
    });
    assertUndisturbed(await load.finish<LoadResult>());
  });

  test("rolls with a hundred streams open, and none of them is cut", async (context) => {
    context.after(() => scene.kubectl("delete", "localmodel", "crowded"));
    const engine = { slots: STREAMS, contextTokens: 192, threads: 2 };
    // The only server is told to end at once, and not when another one has loaded.
    await scene.model("crowded", { engine, rollout: { strategy: "Replace" } });
    await scene.untilReady("crowded");
    const [old] = await scene.pods("crowded");
    const streams = await scene.startInCluster(openModule("crowded", STREAMS));
    await streams.says(ALL_OPEN);
    const patch = JSON.stringify({ spec: { engine: { contextTokens: 208 } } });
    await scene.kubectl("patch", "localmodel", "crowded", "--type=merge", "--patch", patch);
    await eventually("the old pod to be told to end", async () => {
      const pods = await scene.pods("crowded");
      assert.ok(!pods.some(({ metadata }) => metadata.uid === old?.metadata.uid));
    });
    assert.equal(await streams.isOver(), false);
    const { ended, tokens, failures } = await streams.finish<OpenResult>();
    assert.deepEqual(failures, []);
    assert.equal(ended, STREAMS);
    assert.ok(tokens > STREAMS, `${tokens} tokens`);
    await scene.untilReady("crowded");
  });

  test("survives the draining of a node under load without a client noticing", async (context) => {
    const agent = scene.cluster.containers[1];
    if (agent === undefined) return context.skip("the cluster has no node that may be drained");
    context.after(() => scene.kubectl("uncordon", agent));
    const load = await scene.startInCluster(loadModule("smollm2", LANES));
    const flags = ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s", "--force"];
    await scene.kubectl("drain", agent, ...flags, { timeoutMs: 310_000 });
    await scene.untilReady("smollm2", 2);
    assertUndisturbed(await load.finish<LoadResult>());
  });

  test("suspends at no replicas, says so, and comes back", async () => {
    await scene.kubectl("scale", "localmodel/smollm2", "--replicas=0");
    await scene.untilReason("smollm2", /^Suspended$/);
    await eventually("its pods to be gone", async () => {
      assert.deepEqual(await scene.pods("smollm2"), []);
    });
    await scene.kubectl("scale", "localmodel/smollm2", "--replicas=1");
    await scene.untilReady("smollm2");
  });

  test("leaves nothing behind when it is deleted", async () => {
    await scene.kubectl("delete", "localmodel", "smollm2");
    const kinds =
      "deployments,replicasets,pods,services,endpointslices,poddisruptionbudgets,serviceaccounts,persistentvolumeclaims,configmaps";
    await eventually(
      "everything to be gone",
      async () => {
        const left = await scene.kubectl(
          "get",
          kinds,
          "--selector=localmodel.dev/model",
          "--output=name",
        );
        assert.equal(left.trim(), "");
      },
      { timeoutMs: 240_000 },
    );
    const refusal = await scene.inCluster<Refusal>(refusalModule("smollm2"));
    assert.deepEqual(refusal, { status: 404, code: "model_not_found" });
  });
});

function assertUndisturbed({ streams, failures }: LoadResult): void {
  assert.deepEqual(failures, []);
  assert.ok(streams > LANES, `only ${streams} streams came to their end`);
}
