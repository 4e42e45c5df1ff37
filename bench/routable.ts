/**
 * How long after its kubelet has called a pod ready the API service would send it requests, and how long
 * after its deletion it would no longer: real API server, real EndpointSlice controller, no pod that runs.
 *
 * The clock starts when the write is sent. It contains the write itself, the controller and both watches.
 */
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "@localmodel/kube/wire/client.ts";
import { ENDPOINT_SLICES, NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { ClusterDirectory } from "../services/api/directory/cluster/cluster-directory.ts";
import { ControlPlane } from "../test/support/control-plane.ts";
import { CRDS } from "../test/support/crds.ts";
import { ModelPods } from "../test/support/model-pods.ts";
import { median, percentile } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const NAMESPACE = "bench";

const { values } = parseArgs({ options: { pods: { type: "string", default: "100" } } });
const count = Number(values.pods);

await using plane = await ControlPlane.start({ controllers: true });
const access = kubeconfigAccess(plane.kubeconfig);
await using transport = new Transport(access);
const client = new Client(transport, { fieldManager: "bench" });
await client.apply(CRDS, customResourceDefinition());
await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
const pods = await ModelPods.on(client, NAMESPACE);
await using directory = new ClusterDirectory(access, { namespaces: [], log: silentLog });

function endpointsOf(name: string): number | undefined {
  return directory.current().models.find(({ id }) => id === name)?.endpoints.length;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

async function timeMs(write: () => Promise<void>, seen: () => boolean): Promise<number> {
  const startMs = performance.now();
  await Promise.all([write(), until(seen)]);
  return performance.now() - startMs;
}

/** Pods that are in a slice. */
async function knownPods(): Promise<number> {
  const { items } = await client.list({ resource: ENDPOINT_SLICES, namespace: NAMESPACE });
  return items.reduce((sum, { endpoints }) => sum + (endpoints?.length ?? 0), 0);
}

await until(() => directory.known);
const readyMs: number[] = [];
const goneMs: number[] = [];
const names = Array.from({ length: count }, (_, i) => `m${i}`);
for (const [i, name] of names.entries()) {
  await pods.makeModel(name);
  await pods.makePod(name, `10.9.${i >> 8}.${i & 255}`);
}
// In a cluster seconds pass between the start of a pod and its readiness. Here the controller, which makes a
// second change of one slice wait when it has not read back the first, is given the same time.
while ((await knownPods()) < count) await wait(50);
for (const name of names) {
  const seen = (): boolean => endpointsOf(name) === 1;
  readyMs.push(await timeMs(() => pods.setReady(name, true), seen));
}
for (const name of names) {
  const seen = (): boolean => endpointsOf(name) === 0;
  goneMs.push(await timeMs(() => pods.deletePod(name), seen));
}

const row = (what: string, times: readonly number[]) => ({
  what,
  "p50 ms": median(times).toFixed(1),
  "p99 ms": percentile(times, 0.99).toFixed(1),
  "max ms": Math.max(...times).toFixed(1),
});
printTable(`${count} pods, one after the other`, [
  row("Ready written -> routable", readyMs),
  row("deleted -> not routable", goneMs),
]);
