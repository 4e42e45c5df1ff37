/**
 * Looks up nodes with NVIDIA's devices and what is on them, while it is to be decided which image a model gets.
 *
 * Only then, and nothing of it is watched, as in waiting.ts. Nodes that do not say which driver they have decide nothing,
 * and need not be read.
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import { type Node, NODES, type Pod, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { DeviceNode } from "../model/observed.ts";
import { DRIVER_SELECTORS } from "../objects/driver.ts";
import { unlessForbidden } from "./events.ts";

/** Whose pods are looked at; of further ones it is taken that they have room. */
const NODES_MAX = 32;

/** Undefined where they may not be read. Without the model's own pods: whoever rolls makes room for itself. */
export async function lookUpDeviceNodes(
  client: Client,
  concerns: (node: Node) => boolean,
  own: readonly Pod[],
): Promise<readonly DeviceNode[] | undefined> {
  return unlessForbidden(async () => {
    const lists = await Promise.all(
      DRIVER_SELECTORS.map((labelSelector) => client.list({ resource: NODES, labelSelector })),
    );
    const nodes = lists
      .flatMap(({ items }) => items)
      .filter(concerns)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const ids = new Set(own.map(({ metadata }) => metadata.uid));
    return Promise.all(
      nodes.map(async (node, index) => {
        if (index >= NODES_MAX) return { node };
        const pods = await podsOn(client, node);
        return { node, pods: pods.filter(({ metadata }) => !ids.has(metadata.uid)) };
      }),
    );
  });
}

async function podsOn(client: Client, { metadata: { name } }: Node): Promise<readonly Pod[]> {
  const fieldSelector = `spec.nodeName=${name},status.phase!=Succeeded,status.phase!=Failed`;
  return (await client.list({ resource: PODS, fieldSelector })).items;
}
