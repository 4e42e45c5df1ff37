/**
 * A new version of the operator on nodes whose devices are all taken, with a real scheduler: the test plays kubelet.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { http } from "../../services/operator/fixtures/models.ts";
import { containerStatus, eventually, OperatorCluster } from "../support/operator-cluster.ts";

const HOUR_MS = 3_600_000;
const NAMES = ["a", "b", "c", "d"].map((letter) => `fleet-${letter}`);
const MAX_ROLLING = 2;

const imageOf = ({ spec }: Pod) => spec?.containers[0]?.image;
const hasNode = ({ spec }: Pod) => (spec?.nodeName ?? "") !== "";
const isReady = ({ status }: Pod) =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

suite("an upgrade where every device is taken", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
    await cluster.addNode("gpus", { "nvidia.com/gpu": String(NAMES.length) });
    await using _operator = await operatorWith("server:1");
    for (const name of NAMES) {
      const resources = { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } };
      // Nobody has to read a header for it.
      const gpu = { count: 1, requirement: "Preferred" as const };
      await cluster.apply(name, { source: { http }, gpu, resources });
      await cluster.becomesReady(await cluster.placed(name));
    }
    for (const name of NAMES) await cluster.until(name, "Ready", "True Ready");
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  const operatorWith = (image: string) =>
    cluster.startOperator({
      aheadMs: HOUR_MS,
      config: { images: { cpu: image }, upgrades: { maxRolling: MAX_ROLLING } },
    });
  /** Ready pods by name of their model. */
  async function serving(): Promise<readonly (readonly Pod[])[]> {
    return Promise.all(NAMES.map(async (name) => (await cluster.pods(name)).filter(isReady)));
  }

  async function pullPods(): Promise<readonly Pod[]> {
    return (await Promise.all(NAMES.map((name) => cluster.pods(name, "pull")))).flat();
  }

  async function playKubelet(): Promise<void> {
    await cluster.buryPods();
    const pulling = (await pullPods()).filter(hasNode);
    for (const pod of pulling.filter(({ status }) => status?.phase !== "Succeeded")) {
      await cluster.report(pod, { phase: "Succeeded" });
    }
    const servers = (await Promise.all(NAMES.map((name) => cluster.pods(name)))).flat();
    for (const pod of servers.filter((one) => hasNode(one) && !isReady(one))) {
      await cluster.becomesReady(pod);
    }
  }

  test("to an image that cannot be pulled costs no pod, and tries it on one model", async () => {
    await using _operator = await operatorWith("server:missing");
    const pull = await eventually(async () => {
      const [pod] = (await pullPods()).filter(hasNode);
      assert.ok(pod);
      return pod;
    });
    const waiting = { reason: "ImagePullBackOff", message: "not found" };
    await cluster.report(pull, {
      phase: "Pending",
      containerStatuses: [containerStatus("pull", { waiting })],
    });
    const tried = pull.metadata.labels?.["localmodel.dev/model"] ?? "";
    const ready = await cluster.until(tried, "Ready", "False ImagePullFailed");
    assert.match(ready.message, /Meanwhile 1 pod answers/);
    for (const name of NAMES.filter((one) => one !== tried)) {
      await eventually(async () => {
        const { message = "", status } = (await cluster.condition(name, "Ready")) ?? {};
        assert.equal(status, "True");
        assert.match(message, /A new version of the model server waits: another model tries it/);
      });
    }
    assert.deepEqual(
      (await serving()).map((pods) => pods.map(imageOf)),
      NAMES.map(() => ["server:1"]),
    );
    assert.equal((await pullPods()).length, 1);
  });

  test("rolls every model, and never has more than the budget down", async () => {
    await using _operator = await operatorWith("server:2");
    let least = NAMES.length;
    await eventually(async () => {
      const up = await serving();
      least = Math.min(least, up.filter((pods) => pods.length > 0).length);
      await playKubelet();
      assert.deepEqual(
        up.map((pods) => pods.map(imageOf)),
        NAMES.map(() => ["server:2"]),
      );
    });
    assert.ok(least >= NAMES.length - MAX_ROLLING, `only ${least} models served`);
    for (const name of NAMES) {
      await cluster.until(name, "Ready", "True Ready");
      assert.doesNotMatch((await cluster.condition(name, "Ready"))?.message ?? "", /waits/);
    }
    await eventually(async () => assert.deepEqual(await pullPods(), []));
  });
});
