/** How many requests for a model are sent to its servers at the same time; the others wait here. */
import { shareOf } from "../gateways/gateway-count.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";

/**
 * A server with some requests in its own queue fills a slot the moment it is free; a slot that waits for
 * the next request from here stays empty for a round trip. More than that is better kept here, where all
 * endpoints and all tenants are in view.
 */
const OVERSUBSCRIPTION = 1.5;

/** `gateways`: replicas of this service that share the servers; each has its part, and a place at least. */
export function capacityOf({ endpoints, slots = 1 }: DirectoryModel, gateways = 1): number {
  return shareOf(endpoints.length * Math.ceil(slots * OVERSUBSCRIPTION), gateways);
}

/** Whether nobody may need it for so long that it has no server, and a request is what wakes it. */
export function sleeps({ activationTimeoutSeconds }: DirectoryModel): boolean {
  return activationTimeoutSeconds !== undefined;
}

const NEARLY_THERE: ReadonlySet<DirectoryModel["state"]> = new Set([
  "asleep",
  "loading",
  "restarting",
  "ready",
]);

/** What is stuck may come loose: a cluster's autoscaler takes so long until it says that it brings a node. */
const STUCK_PATIENCE_MS = 20_000;

/**
 * Whether waiting may help a model that has no endpoint: it takes seconds. A download takes minutes, for which those wait
 * who wake a model: they were told to.
 */
export function isNearlyThere({ state, activationTimeoutSeconds }: DirectoryModel): boolean {
  return activationTimeoutSeconds === undefined ? NEARLY_THERE.has(state) : state !== "failed";
}

/** How long a request waits at most for a model that has no endpoint. */
export function loadingPatienceMs(model: DirectoryModel, loadingTimeoutMs: number): number {
  const { activationTimeoutSeconds } = model;
  return activationTimeoutSeconds === undefined
    ? loadingTimeoutMs
    : activationTimeoutSeconds * 1000;
}

/** How long it waits at most while that model is stuck. */
export function stuckPatienceMs({ isStuck = false }: DirectoryModel): number {
  return isStuck ? STUCK_PATIENCE_MS : Infinity;
}
