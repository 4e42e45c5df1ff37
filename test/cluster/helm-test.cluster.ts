/**
 * `helm test` on a cluster whose nodes run pods: a second installation, for one namespace and with keys, answers the
 * chat request that it makes, with Helm 4 and Helm 3.
 *
 * Its API service has a Role where the first one has a ClusterRole. The operator is the first one's: the second of two
 * would yield. So is the secret by which models' pods know the API service.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildTool } from "../build/binaries.ts";
import { CommandError, run } from "../build/command.ts";
import { valuesFor } from "./harness/install-chart.ts";
import { kubectlOf } from "./harness/kubectl.ts";
import type { RunningCluster } from "./harness/running-cluster.ts";
import { REPOSITORY } from "../build/places.ts";
import { Scene, SYSTEM_NAMESPACE } from "./harness/scene.ts";

const CHART = join(REPOSITORY, "charts/localmodel");
const TIMEOUT_MS = 300_000;
const KEY = "key-that-is-right";

suite("helm test", () => {
  let scene: Scene;
  let helm3: string;

  before(async () => {
    helm3 = await buildTool("helm3", (line) => console.error(line));
    scene = await Scene.open("helm-test");
    await scene.apply(secret("right", KEY), secret("wrong", "key-that-is-not"));
    await scene.apply(secret("models", await serverSecret(scene.cluster)));
    await scene.model("smollm2");
    await install("right");
    await scene.untilReady("smollm2");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("asks a model and gets an answer, with Helm 4", async () => {
    assert.match(await helm("test", "second", "--logs"), /smollm2: ".+" \(\d+ tokens\)/);
  });

  test("asks a model and gets an answer, with Helm 3", async () => {
    const said = await helmAs(helm3, "test", "second", "--logs");
    assert.match(said, /smollm2: ".+" \(\d+ tokens\)/);
  });

  test("fails with a key that is not known, and says so", async () => {
    await install("wrong");
    await assert.rejects(helm("test", "second", "--logs"), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /\/v1\/models answered 401: .*invalid_api_key/);
      return true;
    });
  });

  async function install(key: string): Promise<void> {
    const values = {
      ...valuesFor(scene.cluster),
      watchNamespaces: [scene.namespace],
      crds: { enabled: false },
      rbac: { aggregate: false },
      tests: { apiKeySecret: { name: key } },
    };
    const modelServer = { ...values.modelServer, key: { existingSecret: "models" } };
    const sha256 = createHash("sha256").update(KEY).digest("hex");
    const keys = { entries: [{ name: "tester", sha256, models: ["smollm2"] }] };
    const replicas = "operator.replicas=0,api.replicas=1";
    const further = ["--set", replicas, "--set-json", `api.keys=${JSON.stringify(keys)}`];
    await run(
      scene.cluster.helm,
      ["upgrade", "--install", "second", CHART, ...target(), ...further, "--wait", "--values", "-"],
      { input: JSON.stringify({ ...values, modelServer }), timeoutMs: TIMEOUT_MS },
    );
  }

  async function helm(...words: readonly string[]): Promise<string> {
    return helmAs(scene.cluster.helm, ...words);
  }

  async function helmAs(program: string, ...words: readonly string[]): Promise<string> {
    return run(program, [...words, ...target()], { timeoutMs: TIMEOUT_MS });
  }

  function target(): readonly string[] {
    return ["--namespace", scene.namespace, "--kubeconfig", scene.cluster.kubeconfig];
  }

  function secret(name: string, key: string): object {
    const metadata = { name, namespace: scene.namespace };
    return { apiVersion: "v1", kind: "Secret", metadata, stringData: { key } };
  }
});

/** Made by the first installation's operator. */
async function serverSecret(cluster: RunningCluster): Promise<string> {
  const kubectl = kubectlOf(cluster, SYSTEM_NAMESPACE);
  const template = "--output=go-template={{.data.key | base64decode}}";
  return kubectl("get", "secret", "localmodel-model-server-key", template);
}
