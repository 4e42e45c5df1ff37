/**
 * What a scenario plays in: a namespace of its own with the restricted policy enforced, a file server with
 * the weights, and a pod from which clients speak to the API service.
 *
 * Both run on the control plane's node, so that the other one can be drained. Everything goes with the
 * namespace.
 */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import {
  API_VERSION,
  KIND,
  type LocalModelSpecInput,
} from "@localmodel/localmodel/resource/localmodel.ts";
import type {
  Condition,
  ConditionType,
  LocalModelStatus,
} from "@localmodel/localmodel/resource/status-spec.ts";
import { eventually, type Patience } from "../../support/eventually.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { WEIGHTS_FILE } from "./model-files.ts";
import { readCluster, type RunningCluster } from "./running-cluster.ts";

export const SYSTEM_NAMESPACE = "localmodel-system";
export const API_URL = `http://localmodel-api.${SYSTEM_NAMESPACE}.svc.cluster.local/v1`;

/** Bounds for a wait in vain, not figures: four models that start at once on two busy cores take minutes. */
const READY_PATIENCE: Patience = { timeoutMs: 600_000, intervalMs: 500 };
const REASON_PATIENCE: Patience = { timeoutMs: 300_000 };
const END_PATIENCE: Patience = { timeoutMs: 300_000, intervalMs: 500 };

type StoredModel = {
  readonly metadata: { readonly generation: number; readonly name: string };
  readonly spec: object;
  readonly status?: LocalModelStatus;
};

export class Scene implements AsyncDisposable {
  readonly namespace: string;
  readonly cluster: RunningCluster;
  readonly kubectl: Kubectl;

  private constructor(cluster: RunningCluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.kubectl = kubectlOf(cluster, namespace);
  }

  static async open(name: string): Promise<Scene> {
    const cluster = await readCluster();
    if (cluster === undefined) throw new Error("no cluster runs; npm run cluster:up starts one");
    const scene = new Scene(cluster, `${name}-${randomBytes(3).toString("hex")}`);
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await scene.apply({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: scene.namespace, labels },
    });
    await eventually("the namespace's service account", () =>
      scene.kubectl("get", "serviceaccount", "default"),
    );
    await scene.apply(scene.#fileServer(), scene.#fileService(), scene.#client());
    await scene.kubectl(
      "wait",
      "pod/files",
      "pod/client",
      "--for=condition=Ready",
      "--timeout=120s",
    );
    return scene;
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.kubectl("apply", "--filename", "-", { input: JSON.stringify(list) });
  }

  /** `behaviour`: the first part of the file server's paths, see images/tools/file-server.ts. */
  url(behaviour = "files", file = WEIGHTS_FILE): string {
    return `http://files.${this.namespace}.svc.cluster.local:8000/${behaviour}/${file}`;
  }

  /** The weights from the file server, a share of a CPU, and what `spec` says otherwise. */
  async model(name: string, spec: Partial<LocalModelSpecInput> = {}): Promise<void> {
    await this.apply({
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name, namespace: this.namespace },
      spec: {
        source: { http: { url: this.url() } },
        engine: { slots: 2, contextTokens: 512, threads: 1 },
        resources: { requests: { cpu: "100m" } },
        ...spec,
      },
    });
  }

  async stored(name: string): Promise<StoredModel> {
    return JSON.parse(
      await this.kubectl("get", "localmodel", name, "--output=json"),
    ) as StoredModel;
  }

  async condition(name: string, type: ConditionType = "Ready"): Promise<Condition> {
    const { metadata, status } = await this.stored(name);
    const found = status?.conditions?.find((condition) => condition.type === type);
    if (found === undefined) throw new Error(`${name} has no condition ${type}`);
    if (found.observedGeneration !== metadata.generation)
      throw new Error(`${type} of ${name} is not about its newest generation`);
    return found;
  }

  async untilReady(name: string, replicas = 1): Promise<StoredModel> {
    return eventually(
      `${name} to be ready`,
      async () => {
        const ready = await this.condition(name);
        if (ready.status !== "True") throw new Error(`${ready.reason}: ${ready.message}`);
        const progressing = await this.condition(name, "Progressing");
        const stored = await this.stored(name);
        const is = stored.status?.readyReplicas ?? 0;
        if (is !== replicas) throw new Error(`${is} of ${replicas} replicas are ready`);
        if (progressing.status === "True") throw new Error(`still ${progressing.message}`);
        return stored;
      },
      READY_PATIENCE,
    );
  }

  async untilReason(name: string, reason: RegExp): Promise<Condition> {
    return eventually(
      `${name} to say ${reason}`,
      async () => {
        const condition = await this.condition(name);
        if (!reason.test(condition.reason))
          throw new Error(`${condition.reason}: ${condition.message}`);
        return condition;
      },
      REASON_PATIENCE,
    );
  }

  /** Pods of a model, with where they run. */
  async pods(name: string): Promise<readonly PodView[]> {
    const selector = `--selector=localmodel.dev/model=${name},app.kubernetes.io/component=model-server`;
    const list = JSON.parse(await this.kubectl("get", "pods", selector, "--output=json")) as {
      items: PodView[];
    };
    return list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Runs a module in the client pod and returns what it printed, as JSON. */
  async inCluster<T>(module: string, timeoutMs = 120_000): Promise<T> {
    const printed = await this.kubectl(
      "exec",
      "--stdin",
      "client",
      "--",
      "node",
      "--input-type=module",
      "-",
      { input: module, timeoutMs },
    );
    return JSON.parse(printed) as T;
  }

  /**
   * Goes on until `finish`, or to its own end. It is no part of the connection that started it, so it goes on as well
   * while there is no API server, through which all connections lead.
   */
  async startInCluster(module: string): Promise<InCluster> {
    const files = `/tmp/run-${randomBytes(3).toString("hex")}`;
    const node = `STOP=${files}.stop node --input-type=module - < ${files} > ${files}.out 2> ${files}.err`;
    const script = `cat > ${files}; (${node}; echo $? > ${files}.rc) > /dev/null 2>&1 &`;
    await this.kubectl("exec", "--stdin", "client", "--", "sh", "-c", script, { input: module });
    const inClient = (command: string) =>
      this.kubectl("exec", "client", "--", "sh", "-c", command, { timeoutMs: 60_000 });
    return {
      says: async (text) => {
        const said = () => inClient(`grep --quiet --fixed-strings '${text}' ${files}.err`);
        await eventually(`the client pod to say "${text}"`, said, END_PATIENCE);
      },
      isOver: async () => (await inClient(`ls ${files}.rc || true`)).trim() !== "",
      finish: async <T>() => {
        await inClient(`touch ${files}.stop`);
        const ending = (): Promise<string> => inClient(`cat ${files}.rc`);
        const status = await eventually("what runs in the client pod to end", ending, END_PATIENCE);
        if (status.trim() !== "0") throw new Error(await inClient(`cat ${files}.err`));
        return JSON.parse(await inClient(`cat ${files}.out`)) as T;
      },
    };
  }

  /** What a person would want to see of a scenario that failed. */
  async report(folder: string): Promise<void> {
    const what = "localmodels,deployments,pods,services,endpointslices,events";
    const shown = await this.kubectl("get", what, "--output=yaml").catch(String);
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}/${this.namespace}.yaml`, shown);
    const names = await this.kubectl("get", "pods", "--output=name").catch(() => "");
    for (const pod of names.split("\n").filter((name) => name !== "")) {
      const log = await this.kubectl("logs", pod, "--all-containers", "--prefix").catch(String);
      await writeFile(`${folder}/${this.namespace}-${pod.replace("/", "-")}.log`, log);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const folder = process.env["LOCALMODEL_TEST_LOGS"];
    if (folder !== undefined) await this.report(folder);
    // A namespace may take its time, and its models would hold their ids meanwhile. Without a definition there are none.
    await this.kubectl("delete", "localmodels", "--all", "--timeout=60s").catch(() => undefined);
    await this.kubectl("delete", "namespace", this.namespace, "--wait=false");
  }

  #fileServer(): object {
    const reference = this.cluster.images.weights;
    return this.#pod("files", {
      readinessProbe: { tcpSocket: { port: 8000 }, periodSeconds: 1 },
      volumes: [{ name: "files", image: { reference, pullPolicy: "IfNotPresent" } }],
      volumeMounts: [{ name: "files", mountPath: "/files", readOnly: true }],
    });
  }

  #fileService(): object {
    const metadata = { name: "files", namespace: this.namespace };
    const spec = { selector: { app: "files" }, ports: [{ port: 8000 }] };
    return { apiVersion: "v1", kind: "Service", metadata, spec };
  }

  #client(): object {
    return this.#pod("client", { command: ["node", "--eval", "setInterval(() => {}, 1e6)"] });
  }

  /** One container of the tools image. */
  #pod(name: string, { volumes = [], ...container }: PodParts): object {
    const [node] = this.cluster.containers;
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: this.namespace, labels: { app: name } },
      spec: {
        ...(node !== undefined && { nodeName: node }),
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        terminationGracePeriodSeconds: 0,
        volumes,
        containers: [
          {
            name,
            image: this.cluster.images.tools,
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            ...container,
          },
        ],
      },
    };
  }
}

/** Of pods of a model, the one that their controller has been told to end before others. */
export function goesFirst({ metadata: { annotations = {} } }: PodView): boolean {
  return Number(annotations["controller.kubernetes.io/pod-deletion-cost"] ?? 0) < 0;
}

type InCluster = {
  /** Once its standard error has this in it. */
  says(text: string): Promise<void>;
  isOver(): Promise<boolean>;
  finish<T>(): Promise<T>;
};

type PodParts = { readonly volumes?: readonly object[] } & Readonly<Record<string, unknown>>;

type PodView = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly image: string }[];
  };
  readonly status: { readonly podIP?: string; readonly phase: string };
};
