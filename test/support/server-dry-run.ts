/**
 * Whether a real API server takes an object, every field of it: server-side apply that changes nothing.
 *
 * Which path an object has is asked of the server, so that it works for any kind that is defined there.
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import { SERVICE_ACCOUNTS } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Transport } from "@localmodel/kube/wire/transport.ts";

/** The one that pods have which name no other. Where controllers run, one of them makes it. */
export async function createDefaultAccount(client: Client, namespace: string): Promise<void> {
  await client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace } });
}

type ApiResource = { readonly name: string; readonly kind: string; readonly namespaced: boolean };

export class ServerDryRun {
  readonly #transport: Transport;
  readonly #discovered = new Map<string, Promise<readonly ApiResource[]>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Rejects with the API server's words. `namespace`: for objects that name none. */
  async accepts(object: KubeObject, namespace: string): Promise<void> {
    const { metadata } = object;
    const { root, name, namespaced } = await this.resourceOf(object);
    const scope = namespaced ? `/namespaces/${metadata.namespace ?? namespace}` : "";
    await this.#transport.json({
      method: "PATCH",
      path: `${root}${scope}/${name}/${metadata.name}`,
      query: { dryRun: "All", fieldManager: "dry", force: true, fieldValidation: "Strict" },
      body: object,
      contentType: "application/apply-patch+yaml",
    });
  }

  async resourceOf({ apiVersion = "", kind = "" }: KubeObject) {
    const root = `${apiVersion.includes("/") ? "/apis" : "/api"}/${apiVersion}`;
    const resources = this.#discovered.get(root) ?? this.#discover(root);
    this.#discovered.set(root, resources);
    const found = (await resources).find((one) => one.kind === kind && !one.name.includes("/"));
    if (found === undefined) throw new Error(`the API server knows no ${kind} in ${apiVersion}`);
    return { root, ...found };
  }

  async #discover(root: string): Promise<readonly ApiResource[]> {
    const { resources } = await this.#transport.json<{ resources: readonly ApiResource[] }>({
      method: "GET",
      path: root,
    });
    return resources;
  }
}
