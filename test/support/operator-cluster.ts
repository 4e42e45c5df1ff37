/**
 * A control plane without nodes, the operator, and a test that plays scheduler and kubelet.
 *
 * The API server, the Deployment controller and the garbage collector are real. What pods do is what the
 * test writes into their status, and what they would say when asked is in `answers`.
 */
import { Client } from "@localmodel/kube/wire/client.ts";
import { DEPLOYMENTS, NODES, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { type Log, silentLog } from "@localmodel/kube/log.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import { systemClock } from "@localmodel/kube/time/clock.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { classDefinition } from "@localmodel/localmodel/cluster/class-crd.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { COMPONENT_LABEL, MODEL_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import {
  OperatorConfig,
  type OperatorConfigInput,
} from "@localmodel/localmodel/contracts/operator-config.ts";
import type { Condition, ConditionType } from "@localmodel/localmodel/resource/status-spec.ts";
import { OWNED } from "../../services/operator/observe/caches.ts";
import {
  LOCAL_MODELS,
  type StoredModel,
} from "../../services/operator/model/local-model-resource.ts";
import { createOperator } from "../../services/operator/operator.ts";
import type { Answer } from "../../services/operator/status/answers.ts";
import { ApiProxy, type Cut } from "./api-proxy.ts";
import { ControlPlane } from "./control-plane.ts";
import { CRDS } from "./crds.ts";
import { eventually as untilTrue, type Patience } from "./eventually.ts";

const NODE = "node-1";
export const NAMESPACE = "default";
export const SERVER_SECRET = { namespace: NAMESPACE, name: "model-server-key" };

type OperatorOptions = {
  readonly cut?: Cut;
  readonly resyncMs?: number;
  /** By how much its time of day is ahead: what it would wait for is over. */
  readonly aheadMs?: number;
  readonly config?: Partial<OperatorConfigInput>;
  readonly log?: Log;
};

export type RunningOperator = AsyncDisposable & {
  readonly proxy: ApiProxy;
  /** Resolves when so many more passes have come to their end. */
  passes(count: number): Promise<void>;
};

export class OperatorCluster implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly client: Client;
  /** By name of the pod. */
  readonly answers = new Map<string, Answer>();

  private constructor(plane: ControlPlane) {
    this.plane = plane;
    const transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    this.client = new Client(transport, { fieldManager: "test" });
  }

  /** With a scheduler, nodes are what the test makes of them. */
  static async start({ scheduler = false, controllers = true } = {}): Promise<OperatorCluster> {
    const plane = await ControlPlane.start({ controllers, scheduler });
    const cluster = new OperatorCluster(plane);
    const { client } = cluster;
    await client.apply(CRDS, customResourceDefinition());
    await client.apply(CRDS, classDefinition());
    if (!scheduler) await client.apply(NODES, { metadata: { name: NODE } });
    await eventually(() => client.list({ resource: LOCAL_MODELS }));
    return cluster;
  }

  /** Another one may be running, or have been cut off in the middle of something. */
  async startOperator(options: OperatorOptions = {}) {
    const { cut, resyncMs = 3_600_000, aheadMs = 0, config: more = {} } = options;
    const proxy = await ApiProxy.start(kubeconfigAccess(this.plane.kubeconfig), cut);
    const transport = new Transport(proxy.access());
    const config = OperatorConfig.parse({
      images: { cpu: "model-server:cpu", cuda: "model-server:cuda" },
      leaderElection: { enabled: false },
      serverKeySecret: SERVER_SECRET,
      resyncMs,
      ...more,
    });
    const { log = silentLog } = options;
    const metrics = new MetricRegistry();
    const manager = createOperator({
      transport,
      config,
      log,
      metrics,
      identity: "test",
      namespace: NAMESPACE,
      clock: { ...systemClock, date: () => new Date(Date.now() + aheadMs) },
      askPods: async (questions) =>
        new Map(
          questions.flatMap(({ podName }) => {
            const answer = this.answers.get(podName);
            return answer === undefined ? [] : [[podName, answer] as const];
          }),
        ),
    });
    const stop = new AbortController();
    proxy.severed.signal.addEventListener("abort", () => stop.abort());
    const running = manager.run(stop.signal);
    const ended = running.catch(() => {});
    return {
      proxy,
      passes: async (count: number) => {
        const goal = passesOf(metrics) + count;
        await eventually(async () => {
          if (passesOf(metrics) < goal) throw new Error(`${passesOf(metrics)} of ${goal} passes`);
        });
      },
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await proxy[Symbol.asyncDispose]();
        await ended;
        await transport[Symbol.asyncDispose]();
      },
    } satisfies RunningOperator;
  }

  async apply(name: string, spec: LocalModelSpecInput, labels = {}): Promise<StoredModel> {
    const metadata = { namespace: NAMESPACE, name, labels };
    return this.client.apply(LOCAL_MODELS, { metadata, spec });
  }

  async model(name: string): Promise<StoredModel | undefined> {
    return this.client.get(LOCAL_MODELS, { namespace: NAMESPACE, name });
  }

  async condition(name: string, type: ConditionType): Promise<Condition | undefined> {
    const model = await this.model(name);
    return model?.status?.conditions?.find((one) => one.type === type);
  }

  /** The condition, once it says so for the generation there is now. */
  async until(name: string, type: ConditionType, said: string): Promise<Condition> {
    return eventually(async () => {
      const model = await this.model(name);
      const condition = model?.status?.conditions?.find((one) => one.type === type);
      const found = `${condition?.status} ${condition?.reason}`;
      if (found === said && condition?.observedGeneration === model?.metadata.generation) {
        return condition as Condition;
      }
      throw new Error(`${type} of ${name} is ${found}, not ${said}: ${condition?.message}`);
    });
  }

  /** A node that is ready, with so much of everything. */
  async addNode(name: string, has: Readonly<Record<string, string>>): Promise<void> {
    await this.client.apply(NODES, {
      metadata: { name, labels: { "kubernetes.io/hostname": name } },
    });
    // The API server taints nodes that no kubelet has called ready.
    await this.client.mergePatch(NODES, { name }, { spec: { taints: null } });
    const allocatable = {
      cpu: "64",
      memory: "250Gi",
      "ephemeral-storage": "500Gi",
      pods: "110",
      ...has,
    };
    const status = { capacity: allocatable, allocatable };
    await this.client.mergePatch(NODES, { name }, { status }, { subresource: "status" });
  }

  /** A pod of the model on a node, once the scheduler has found it one: any but those named. */
  async placed(name: string, but: readonly Pod[] = []): Promise<Pod> {
    return eventually(async () => {
      await this.buryPods();
      const known = new Set(but.map(({ metadata }) => metadata.uid));
      const pods = await this.pods(name);
      const pod = pods.find(
        ({ metadata, spec }) => !known.has(metadata.uid) && (spec?.nodeName ?? "") !== "",
      );
      if (pod === undefined) throw new Error(`none of ${pods.length} pods of ${name} has a node`);
      return pod;
    });
  }

  async pods(name: string, component = "model-server"): Promise<readonly Pod[]> {
    const labelSelector = `${MODEL_LABEL}=${name},${COMPONENT_LABEL}=${component}`;
    const { items } = await this.client.list({
      resource: PODS,
      namespace: NAMESPACE,
      labelSelector,
    });
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** The pods, once there are so many. */
  async podsWhen(name: string, count: number, component?: string): Promise<readonly Pod[]> {
    return eventually(async () => {
      const pods = await this.pods(name, component);
      if (pods.length !== count) throw new Error(`${pods.length} pods of ${name}, not ${count}`);
      return pods;
    });
  }

  async deployment(name: string) {
    return this.client.get(DEPLOYMENTS, { namespace: NAMESPACE, name: `localmodel-${name}` });
  }

  async schedule({ metadata }: Pod): Promise<void> {
    await this.client.transport.json({
      method: "POST",
      path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/binding`,
      body: {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: metadata.name },
        target: { apiVersion: "v1", kind: "Node", name: NODE },
      },
    });
  }

  async report({ metadata }: Pod, status: object): Promise<void> {
    const name = { namespace: metadata.namespace ?? NAMESPACE, name: metadata.name };
    await this.client.mergePatch(PODS, name, { status }, { subresource: "status" });
  }

  /** What a pod goes through when all is well. `message`: what its fetcher leaves. */
  async serve(pod: Pod, message?: string): Promise<void> {
    await this.schedule(pod);
    await this.becomesReady(pod, message);
  }

  /** As its kubelet says of a pod that has a node. */
  async becomesReady(pod: Pod, message?: string): Promise<void> {
    const fetched = { exitCode: 0, reason: "Completed", ...(message !== undefined && { message }) };
    await this.report(pod, {
      phase: "Running",
      podIP: "127.0.0.1",
      podIPs: [{ ip: "127.0.0.1" }],
      conditions: [
        { type: "PodScheduled", status: "True" },
        { type: "Ready", status: "True", lastTransitionTime: new Date().toISOString() },
      ],
      initContainerStatuses: [containerStatus("fetch", { terminated: fetched }, true)],
      containerStatuses: [containerStatus("server", { running: {} }, true)],
    });
  }

  /** The end of an inspect pod that has found out what it was to find out. */
  async inspected(pod: Pod, message: string): Promise<void> {
    await this.schedule(pod);
    await this.report(pod, {
      phase: "Succeeded",
      containerStatuses: [
        containerStatus("inspect", { terminated: { exitCode: 0, reason: "Completed", message } }),
      ],
    });
  }

  async scale(name: string, replicas: number): Promise<void> {
    const patch = { spec: { replicas } };
    const model = { namespace: NAMESPACE, name };
    await this.client.mergePatch(LOCAL_MODELS, model, patch, { subresource: "scale" });
  }

  async delete(name: string): Promise<void> {
    await this.client.delete(LOCAL_MODELS, { namespace: NAMESPACE, name });
  }

  async eraseStatus(name: string): Promise<void> {
    const model = { namespace: NAMESPACE, name };
    const patch = { status: null };
    await this.client.mergePatch(LOCAL_MODELS, model, patch, { subresource: "status" });
  }

  /** What there is of a model, with its version. */
  async everything(name: string): Promise<readonly string[]> {
    const lists = await Promise.all(
      OWNED.map(async (resource: Resource) => {
        const labelSelector = `${MODEL_LABEL}=${name}`;
        const { items } = await this.client.list({ resource, namespace: NAMESPACE, labelSelector });
        return items
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
          .map(({ metadata }) => `${resource.kind} ${metadata.name} ${metadata.resourceVersion}`);
      }),
    );
    return lists.flat().toSorted();
  }

  async kinds(name: string): Promise<readonly string[]> {
    return (await this.everything(name)).map((one) => one.split(" ")[0] ?? "");
  }

  async nothingLeft(name: string): Promise<void> {
    await eventually(async () => {
      await this.buryPods();
      const left = await this.everything(name);
      if (left.length > 0) throw new Error(`left of ${name}: ${left.join(", ")}`);
    });
  }

  /** Creation times count whole seconds. */
  async nextSecond(): Promise<void> {
    const second = Math.floor(Date.now() / 1000);
    await eventually(async () => {
      if (Math.floor(Date.now() / 1000) <= second) throw new Error("still the same second");
    });
  }

  /** Nobody's kubelet confirms deletions. */
  async buryPods(): Promise<void> {
    const { items } = await this.client.list({ resource: PODS, namespace: NAMESPACE });
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp === undefined) continue;
      await this.client.transport
        .json({
          method: "DELETE",
          path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`,
          body: { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 },
        })
        .catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.transport[Symbol.asyncDispose]();
    await this.plane[Symbol.asyncDispose]();
  }
}

export function containerStatus(name: string, state: object, ready = false, more: object = {}) {
  return { name, image: "x", imageID: "x", ready, restartCount: 0, state, ...more };
}

function passesOf(metrics: MetricRegistry): number {
  const lines = exposition(metrics).text.split("\n");
  const counts = lines.filter((line) => line.startsWith("controller_runtime_reconcile_total{"));
  return counts.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** The garbage collector may take half a minute to learn of a new kind. */
const PATIENCE: Patience = { timeoutMs: 60_000, intervalMs: 25 };

/** What the function returns once it does not throw. */
export function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  return untilTrue("the operator's work", attempt, PATIENCE);
}
