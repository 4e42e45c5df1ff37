/**
 * How soon a cluster begins to wake a model: from sending a request to the API service until that says on its stream of
 * demand that somebody waits, and until there is a pod object. Real API server, real controllers, API service and operator
 * as processes of their own; no pod runs.
 *
 * Beside each wake a Deployment that nobody looks after is scaled from 0 to 1, which is what Kubernetes takes by itself.
 */
import { networkInterfaces } from "node:os";
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import {
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  NAMESPACES,
  type Pod,
  PODS,
} from "@localmodel/kube/objects/core-resources.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { linesOf } from "@localmodel/kube/wire/json-lines.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { classDefinition } from "@localmodel/localmodel/cluster/class-crd.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { DEMAND_PATH, parseDemandPicture } from "@localmodel/localmodel/contracts/demand.ts";
import { LOCAL_MODELS } from "../../services/operator/model/local-model-resource.ts";
import { ApiProcess } from "../../test/support/api-process.ts";
import { ControlPlane } from "../../test/support/control-plane.ts";
import { CRDS } from "../../test/support/crds.ts";
import { eventually } from "../../test/support/eventually.ts";
import { OperatorProcess } from "../support/operator-of-plane.ts";

export type Wakes = {
  readonly heardMs: readonly number[];
  readonly podMs: readonly number[];
  /** Of Deployments that are scaled by a write. */
  readonly plainMs: readonly number[];
};

const MODELS = "models";
const PLAIN = "plain";
const SERVICE = "localmodel-api";
const SPEC = {
  source: { http: { url: "https://models.example/model.gguf" } },
  // All that an inspection would find out: there is no node for its pod.
  resources: { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } },
  scaling: { idleSeconds: 86_400 },
};
/** Time for whoever is late with the wake before. */
const PATIENCE = { timeoutMs: 120_000, intervalMs: 20 };

export async function demandToPod(count: number): Promise<Wakes> {
  await using plane = await ControlPlane.start({ controllers: true });
  const transport = new Transport(kubeconfigAccess(plane.kubeconfig));
  const client = new Client(transport, { fieldManager: "bench" });
  await client.apply(CRDS, customResourceDefinition());
  await client.apply(CRDS, classDefinition());
  for (const name of [MODELS, PLAIN]) await client.apply(NAMESPACES, { metadata: { name } });
  await eventually("the definition", () => client.list({ resource: LOCAL_MODELS }), PATIENCE);
  await using api = await ApiProcess.start({
    models: [],
    config: { host: "0.0.0.0", directory: "kubernetes", demandPort: 0 },
    environment: { KUBECONFIG: plane.kubeconfig },
  });
  const told = api.lines.find(({ msg, message = msg }) => message === "serving demand");
  const port = Number(told?.["port"]);
  await nameApi(client);
  await using _operator = await OperatorProcess.on(plane, {
    namespaces: [MODELS],
    demand: { namespace: MODELS, service: SERVICE, port },
  });
  await using watched = await watchedPods(transport);
  const names = Array.from({ length: count }, (_, index) => `model-${index}`);
  for (const name of names) await client.create(LOCAL_MODELS, modelNamed(name));
  for (const name of names) await untilAsleep(client, name);
  for (const name of names) await makePlain(client, name);
  using heard = await listen(`http://127.0.0.1:${port}${DEMAND_PATH}`);
  const wakes = { heardMs: [] as number[], podMs: [] as number[], plainMs: [] as number[] };
  for (const name of names) {
    const scaledMs = performance.now();
    const scaled = { namespace: PLAIN, name };
    const [plainMs] = await Promise.all([
      watched.seen(PLAIN, name),
      client.mergePatch(DEPLOYMENTS, scaled, { spec: { replicas: 1 } }),
    ]);
    wakes.plainMs.push(plainMs - scaledMs);
    const leaving = new AbortController();
    const sentMs = performance.now();
    const asked = api.post("/v1/chat/completions", requestFor(name), { signal: leaving.signal });
    asked.catch(() => {}); // It ends by the hang-up.
    const [heardMs, podMs] = await Promise.all([heard.of(name), watched.seen(MODELS, name)]);
    wakes.heardMs.push(heardMs - sentMs);
    wakes.podMs.push(podMs - sentMs);
    leaving.abort();
  }
  return wakes;
}

function modelNamed(name: string) {
  return { metadata: { namespace: MODELS, name }, spec: SPEC };
}

function requestFor(model: string): object {
  return { model, messages: [{ role: "user", content: "Hello" }] };
}

/** The API server takes no address of the loopback interface for an endpoint. */
async function nameApi(client: Client): Promise<void> {
  const address = Object.values(networkInterfaces())
    .flatMap((infos) => infos ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  await client.apply(ENDPOINT_SLICES, {
    metadata: {
      namespace: MODELS,
      name: `${SERVICE}-1`,
      labels: { "kubernetes.io/service-name": SERVICE },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: [address ?? ""], conditions: { ready: true } }],
  });
}

async function untilAsleep(client: Client, name: string): Promise<void> {
  await eventually(
    `${name} to sleep`,
    async () => {
      const model = await client.get(LOCAL_MODELS, { namespace: MODELS, name });
      const deployment = await deploymentOf(client, name);
      if (model?.status?.scaling?.desired !== 0 || deployment?.spec?.replicas !== 0) {
        throw new Error(JSON.stringify(model?.status));
      }
    },
    PATIENCE,
  );
}

function deploymentOf(client: Client, name: string) {
  return client.get(DEPLOYMENTS, { namespace: MODELS, name: `localmodel-${name}` });
}

/** The same pods, of a Deployment that no operator knows. */
async function makePlain(client: Client, name: string): Promise<void> {
  const { spec } = (await deploymentOf(client, name)) ?? {};
  if (spec === undefined) throw new Error(`${name} has no Deployment`);
  // The account under both of its names is the operator's to make.
  const podSpec = {
    ...spec.template.spec,
    serviceAccountName: undefined,
    serviceAccount: undefined,
  };
  const template = { ...spec.template, spec: podSpec };
  const plain = { metadata: { namespace: PLAIN, name }, spec: { ...spec, template } };
  await client.create(DEPLOYMENTS, plain as never);
}

/** When the first pod of each model was there. */
async function watchedPods(transport: Transport) {
  const stop = new AbortController();
  const times = new Map<string, PromiseWithResolvers<number>>();
  const timeOf = (namespace: string, model: string): PromiseWithResolvers<number> => {
    const key = `${namespace}/${model}`;
    const known = times.get(key) ?? Promise.withResolvers<number>();
    times.set(key, known);
    return known;
  };
  const pods = new Reflector<Pod>(transport, { resource: PODS }, { log: silentLog });
  pods.cache.listen(({ object: { metadata } }) => {
    const model = metadata.labels?.[MODEL_LABEL] ?? "";
    timeOf(metadata.namespace ?? "", model).resolve(performance.now());
  });
  void pods.run(stop.signal);
  await pods.synced;
  return {
    seen: (namespace: string, model: string) => timeOf(namespace, model).promise,
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

/** As the operator listens. */
async function listen(url: string) {
  const stop = new AbortController();
  const times = new Map<string, (timeMs: number) => void>();
  const response = await fetch(url, { signal: stop.signal });
  const { body } = response;
  if (!response.ok || body === null) throw new Error(`${url} answered ${response.status}`);
  const reading = (async () => {
    for await (const line of linesOf(body)) {
      for (const { name, queued } of parseDemandPicture(line)?.models ?? []) {
        if (queued > 0) times.get(name)?.(performance.now());
      }
    }
  })();
  reading.catch(() => {}); // It ends by the hang-up.
  return {
    of: (name: string) => new Promise<number>((resolve) => void times.set(name, resolve)),
    [Symbol.dispose]: () => stop.abort(),
  };
}
