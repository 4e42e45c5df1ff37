/**
 * Devices that nobody has: a number in a node's status. The scheduler counts with it, and a kubelet admits pods that ask
 * for what no plugin of its own has told of.
 */
import type { Kubectl } from "./kubectl.ts";

/** A kind of devices that one scenario has for itself. */
export function devicesOf(name: string): string {
  return `devices.example.com/${name}`;
}

/** `count`: null where the node is to have none of it any more. */
export async function setDevices(
  kubectl: Kubectl,
  node: string,
  resource: string,
  count: number | null,
): Promise<void> {
  const quantity = { [resource]: count === null ? null : String(count) };
  const patch = JSON.stringify({ status: { capacity: quantity, allocatable: quantity } });
  const how = ["--subresource=status", "--type=merge", "--patch", patch];
  await kubectl("patch", "node", node, ...how);
}
