/**
 * What a wake costs in a cluster that runs (`LOCALMODEL_TEST_KEEP=1 npm run test:cluster` leaves one): the first token of a
 * model that sleeps, over the time in which the same pod becomes ready when somebody just makes it.
 *
 * Both begin with nothing and fetch their weights.
 */
import { randomUUID } from "node:crypto";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { DEPLOYMENTS, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { Scene } from "../../test/cluster/harness/scene.ts";
import { firstTokenModule } from "../../test/cluster/harness/client-modules.ts";
import { WEIGHTS_FILE } from "../../test/cluster/harness/model-files.ts";
import { eventually } from "../../test/support/eventually.ts";

export type PodWakes = {
  readonly readyMs: readonly number[];
  readonly firstTokenMs: readonly number[];
};

const MODEL = "sleepy";
const labelSelector = `${MODEL_LABEL}=${MODEL}`;
const PATIENCE = { timeoutMs: 300_000, intervalMs: 50 };

export async function podWakes(rounds: number): Promise<PodWakes> {
  await using scene = await Scene.open("wake");
  await using transport = new Transport(kubeconfigAccess(scene.cluster.kubeconfig));
  const client = new Client(transport, { fieldManager: "bench" });
  const source = { http: { url: scene.url("files", WEIGHTS_FILE) } };
  await scene.model(MODEL, { source, scaling: { idleSeconds: 1 } });
  const readyMs: number[] = [];
  const firstTokenMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilAsleep(scene, client);
    const { ms } = await scene.inCluster<{ ms: number }>(firstTokenModule(MODEL), 300_000);
    firstTokenMs.push(ms);
    await untilAsleep(scene, client);
    readyMs.push(await plainStartMs(scene, client));
  }
  return { readyMs, firstTokenMs };
}

/** Nothing of it is there any more. */
async function untilAsleep(scene: Scene, client: Client): Promise<void> {
  await eventually(
    "the model to sleep",
    async () => {
      const { reason } = await scene.condition(MODEL);
      const { items } = await client.list({
        resource: PODS,
        namespace: scene.namespace,
        labelSelector,
      });
      if (reason !== "Asleep" || items.length > 0) throw new Error(reason);
    },
    PATIENCE,
  );
}

/** A pod of the model's own template, made by nobody but this. */
async function plainStartMs(scene: Scene, client: Client): Promise<number> {
  const { namespace } = scene;
  const deployment = await client.get(DEPLOYMENTS, { namespace, name: `localmodel-${MODEL}` });
  const spec = deployment?.spec?.template.spec;
  if (spec === undefined) throw new Error(`${MODEL} has no Deployment`);
  const pod = { namespace, name: `plain-${randomUUID().slice(0, 8)}` };
  const startedMs = performance.now();
  await client.create(PODS, { metadata: pod, spec });
  await eventually(
    "the plain pod to be ready",
    async () => {
      const { status } = (await client.get(PODS, pod)) ?? {};
      const ready = status?.conditions?.find(({ type }) => type === "Ready");
      if (ready?.status !== "True") throw new Error(JSON.stringify(status));
    },
    PATIENCE,
  );
  const ms = performance.now() - startedMs;
  await client.delete(PODS, pod);
  return ms;
}
