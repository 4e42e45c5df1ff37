/** What a claim of devices comes to that cannot be made, with the controllers of a real control plane. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { http } from "../../services/operator/fixtures/models.ts";
import { OperatorCluster } from "../support/operator-cluster.ts";

suite("a claim of devices on a real API server", () => {
  let cluster: OperatorCluster;

  before(async () => {
    cluster = await OperatorCluster.start({ scheduler: true });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test("whose template is not there is told in the words of who would make it", async () => {
    await cluster.addNode("gpus", {});
    await using _operator = await cluster.startOperator({ aheadMs: 3_600_000 });
    await cluster.apply("claims", {
      source: { http },
      gpu: { resourceClaimTemplateName: "missing" },
      resources: { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } },
    });
    const { message } = await cluster.until("claims", "Ready", "False DeviceClaimFailed");
    assert.match(message, /resource claim template "missing"/);
  });
});
