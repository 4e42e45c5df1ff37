/**
 * A thousand LocalModels on a real API server: how long the operator needs beyond what the server needs for
 * as many plain writes, what it writes when nothing happens, how soon a change is in the status, and how
 * much memory that takes. No pod runs, and no controller of Kubernetes; both would use the same two cores.
 */
import { parseArgs } from "node:util";
import { Client } from "@localmodel/kube/wire/client.ts";
import { DEPLOYMENTS, NAMESPACES, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import { keyOf } from "@localmodel/kube/objects/objects.ts";
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { classDefinition } from "@localmodel/localmodel/cluster/class-crd.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { desiredObjects } from "../services/operator/decide/desired.ts";
import { LOCAL_MODELS, type StoredModel } from "../services/operator/model/local-model-resource.ts";
import { identityOf } from "../services/operator/model/model.ts";
import { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { podTemplate } from "../services/operator/objects/pod-template.ts";
import { ControlPlane } from "../test/support/control-plane.ts";
import { CRDS } from "../test/support/crds.ts";
import { residentBytes } from "../test/support/process-tree.ts";
import { OperatorProcess } from "./support/operator-of-plane.ts";
import { percentile } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "1000" },
    changes: { type: "string", default: "300" },
    workers: { type: "string", default: "4" },
  },
});
const models = Number(values.models);
const changes = Number(values.changes);
const workers = Number(values.workers);
const images = { cpu: "model-server:bench" };
const spec = {
  source: { http: { url: "https://models.example/model.gguf" } },
  resources: { requests: { memory: "1Gi" } },
};
const RESYNC_MS = 10_000;
const MODELS = "models";
const PLAIN = "plain";

await using plane = await ControlPlane.start();
const access = kubeconfigAccess(plane.kubeconfig);
const client = new Client(new Transport(access), { fieldManager: "bench" });
await client.apply(CRDS, customResourceDefinition());
await client.apply(CRDS, classDefinition());
for (const name of [MODELS, PLAIN]) await client.apply(NAMESPACES, { metadata: { name } });
await retried(() => client.list({ resource: LOCAL_MODELS }));

const names = Array.from({ length: models }, (_, index) => `model-${index}`);
const stored = await inParallel(16, names, (name) => createModel(PLAIN, name));
const plainMs = await timed(() => inParallel(workers, stored, plainWrites));
await inParallel(16, names, (name) => createModel(MODELS, name));

const watched = new Reflector(
  client.transport,
  { resource: LOCAL_MODELS, namespace: MODELS },
  { log: silentLog },
);
void watched.run(new AbortController().signal);
await watched.synced;
const startedMs = performance.now();
const operator = await OperatorProcess.on(plane, {
  images,
  namespaces: [MODELS],
  workers,
  resyncMs: RESYNC_MS,
});
await until(() =>
  watched.cache.list().every((model) => (model.status?.conditions ?? []).length > 0),
);
const settledMs = performance.now() - startedMs;

await idle();
const before = await counts();
await until(async () => (await counts()).passes >= before.passes + 2 * models);
const idleWrites = (await counts()).writes - before.writes;
const latencies = await inParallel(4, names.slice(0, changes), changeToStatusMs);
const residentMB = (await residentBytes(operator.pid)) / 1e6;

const seconds = (ms: number) => (ms / 1000).toFixed(1);
printTable(`operator: ${models} LocalModels, ${workers} workers`, [
  {
    "plain writes s": seconds(plainMs),
    "settled s": seconds(settledMs),
    "beyond s": seconds(settledMs - plainMs),
    "idle writes": idleWrites,
    "event to status p50 ms": percentile(latencies, 0.5).toFixed(0),
    "p99 ms": percentile(latencies, 0.99).toFixed(0),
    "RSS MB": residentMB.toFixed(0),
  },
]);
await operator[Symbol.asyncDispose]();
process.exit(0);

async function createModel(namespace: string, name: string): Promise<StoredModel> {
  return client.create(LOCAL_MODELS, { metadata: { namespace, name }, spec });
}

/** What the operator writes for a model, without the operator. */
async function plainWrites(model: StoredModel): Promise<void> {
  const { name } = model.metadata;
  const whole = {
    ...identityOf(model),
    spec: LocalModelSpec.parse(spec),
    modelId: name,
    claim: { held: [name], lost: [] },
  };
  const platform = OperatorConfig.parse({ images });
  const template = podTemplate(whole, platform, undefined);
  const phase = { phase: "serve", template, makesRoom: 0, platform: "", isUpgrade: false } as const;
  for (const one of desiredObjects(whole, platform, phase)) {
    await client.apply(one.resource, one.configuration);
  }
  const status = { observedGeneration: 1, modelId: name, replicas: 0, readyReplicas: 0 };
  await client.applyStatus(LOCAL_MODELS, { metadata: { namespace: PLAIN, name }, status });
}

/** From the answer to the write that makes a pod ready until the LocalModel says so. */
async function changeToStatusMs(name: string): Promise<number> {
  const deployment = await client.get(DEPLOYMENTS, {
    namespace: MODELS,
    name: `localmodel-${name}`,
  });
  const template = deployment?.spec?.template;
  const pod = { namespace: MODELS, name: `${name}-pod` };
  const podSpec = { ...template?.spec, serviceAccountName: undefined };
  const { labels, annotations } = template?.metadata ?? {};
  await client.create(PODS, { metadata: { ...pod, labels, annotations }, spec: podSpec } as never);
  await said(name, (model) => model.status?.replicas === 1);
  const conditions = [{ type: "Ready", status: "True" }];
  const asked = client.mergePatch(PODS, pod, { status: { conditions } }, { subresource: "status" });
  const done = said(name, (model) => model.status?.readyReplicas === 1);
  await asked;
  const writtenMs = performance.now();
  return Math.max(0, (await done) - writtenMs);
}

/** When the watch showed the model so. */
function said(name: string, holds: (model: StoredModel) => boolean): Promise<number> {
  const key = keyOf({ namespace: MODELS, name });
  return new Promise((resolve) => {
    const listening = watched.cache.listen(({ object }) => {
      if (keyOf(object.metadata) !== key || !holds(object)) return;
      setImmediate(() => listening[Symbol.dispose]());
      resolve(performance.now());
    });
  });
}

/** Until the operator has nothing left to write. */
async function idle(): Promise<void> {
  let seen = -1;
  await until(async () => {
    const { writes } = await counts();
    const isSame = writes === seen;
    seen = writes;
    return isSame;
  }, 1000);
}

async function counts(): Promise<{ readonly writes: number; readonly passes: number }> {
  const lines = (await (await fetch(`http://127.0.0.1:${operator.port}/metrics`)).text()).split(
    "\n",
  );
  const sum = (pattern: RegExp) =>
    lines
      .filter((line) => pattern.test(line))
      .reduce((all, line) => all + Number(line.split(" ").at(-1)), 0);
  return {
    writes: sum(/^rest_client_requests_total\{.*method="(PATCH|POST|PUT|DELETE)"/),
    passes: sum(/^controller_runtime_reconcile_total\{/),
  };
}

async function inParallel<T, R>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beforeMs = performance.now();
  await work();
  return performance.now() - beforeMs;
}

async function until(holds: () => boolean | Promise<boolean>, everyMs = 50): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const result = await attempt().catch(() => undefined);
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
