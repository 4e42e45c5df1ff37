/**
 * Models and their pods on a control plane without nodes: LocalModel, Service and pods as the operator would
 * make them, and pod states as a kubelet would report them.
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import { NODES, PODS, SERVICES } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { defineResource } from "@localmodel/kube/objects/resource.ts";
import { LOCAL_MODEL_RESOURCE } from "@localmodel/localmodel/cluster/crd.ts";
import {
  COMPONENT_LABEL,
  MODEL_LABEL,
  MODEL_SERVER_COMPONENT,
  objectName,
  selectorLabels,
} from "@localmodel/localmodel/cluster/labels.ts";
import { SERVER_PORT, SERVER_PORT_NAME } from "@localmodel/localmodel/cluster/pod-layout.ts";

const NODE = "node";

const LOCAL_MODELS = defineResource<KubeObject & { readonly spec?: unknown }>(LOCAL_MODEL_RESOURCE);

export class ModelPods {
  readonly #client: Client;
  readonly #namespace: string;

  private constructor(client: Client, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  static async on(client: Client, namespace: string): Promise<ModelPods> {
    // The EndpointSlice controller leaves out pods whose node it does not know.
    await client.apply(NODES, { metadata: { name: NODE } });
    return new ModelPods(client, namespace);
  }

  async makeModel(name: string): Promise<void> {
    const namespace = this.#namespace;
    const spec = { source: { http: { url: "http://files.example/model.gguf" } } };
    await this.#client.create(LOCAL_MODELS, { metadata: { namespace, name }, spec });
    const labels = { [MODEL_LABEL]: name, [COMPONENT_LABEL]: MODEL_SERVER_COMPONENT };
    const port = { name: SERVER_PORT_NAME, port: SERVER_PORT, targetPort: SERVER_PORT_NAME };
    await this.#client.apply(SERVICES, {
      metadata: { namespace, name: objectName(name), labels },
      spec: { selector: selectorLabels(name), ports: [{ ...port, protocol: "TCP" }] },
    });
  }

  /** One that runs, with the model's name, and is not ready. */
  async makePod(name: string, address: string): Promise<void> {
    const ports = [{ name: SERVER_PORT_NAME, containerPort: SERVER_PORT, protocol: "TCP" }];
    await this.#client.apply(PODS, {
      metadata: { namespace: this.#namespace, name, labels: selectorLabels(name) },
      spec: { nodeName: NODE, containers: [{ name: "server", image: "none.example/none", ports }] },
    });
    await this.#report(name, { phase: "Running", podIP: address, podIPs: [{ ip: address }] });
  }

  setReady(name: string, isReady: boolean): Promise<void> {
    const condition = { type: "Ready", status: isReady ? "True" : "False" };
    return this.#report(name, { conditions: [condition] });
  }

  /** It stays, terminating, until a kubelet says that it has ended. */
  async deletePod(name: string): Promise<void> {
    await this.#client.delete(PODS, { namespace: this.#namespace, name });
  }

  async deleteModel(name: string): Promise<void> {
    await this.#client.delete(LOCAL_MODELS, { namespace: this.#namespace, name });
  }

  async #report(name: string, status: object): Promise<void> {
    const pod = { namespace: this.#namespace, name };
    await this.#client.mergePatch(PODS, pod, { status }, { subresource: "status" });
  }
}
