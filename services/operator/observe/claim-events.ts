/**
 * Looks up what is said of a LocalModel's own claim that has no volume: whether it waits for its first pod, and what a
 * provisioner complains of. Only while it has none; events are not watched.
 */
import {
  PERSISTENT_VOLUME_CLAIMS,
  type PersistentVolumeClaim,
} from "@localmodel/kube/objects/core-resources.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import type { ClaimEvent, Observed } from "../model/observed.ts";
import { eventsOf } from "./events.ts";

/** Undefined when all claims have volumes, or nothing is said. */
export async function lookUpClaim(
  client: Client,
  { objects }: Pick<Observed, "objects">,
): Promise<ClaimEvent | undefined> {
  const unbound = objects
    .filter(({ resource }) => resource === PERSISTENT_VOLUME_CLAIMS)
    .map(({ object }) => object as PersistentVolumeClaim)
    .find(({ status }) => status?.phase !== "Bound");
  if (unbound === undefined) return undefined;
  const last = (await eventsOf(client, unbound)).at(-1);
  if (last === undefined) return undefined;
  const { type, reason = "", message = "" } = last;
  return { isWarning: type === "Warning", reason, message };
}
