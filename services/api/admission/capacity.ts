/** How many requests for a model are sent to its servers at the same time; the others wait here. */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";

/**
 * A server with some requests in its own queue fills a slot the moment it is free; a slot that waits for
 * the next request from here stays empty for a round trip. More than that is better kept here, where all
 * endpoints and all tenants are in view.
 */
const OVERSUBSCRIPTION = 1.5;

export function capacityOf({ endpoints, slots = 1 }: DirectoryModel): number {
  return endpoints.length * Math.ceil(slots * OVERSUBSCRIPTION);
}

const NEARLY_THERE: ReadonlySet<DirectoryModel["state"]> = new Set([
  "asleep",
  "loading",
  "restarting",
  "ready",
]);

/** Whether waiting may help a model that has no endpoint: it takes seconds. A download takes minutes. */
export function isNearlyThere({ state }: DirectoryModel): boolean {
  return NEARLY_THERE.has(state);
}

/** How long a request waits at most for a model that has no endpoint. */
export function loadingPatienceMs(model: DirectoryModel, loadingTimeoutMs: number): number {
  const { activationTimeoutSeconds } = model;
  return activationTimeoutSeconds === undefined
    ? loadingTimeoutMs
    : activationTimeoutSeconds * 1000;
}
