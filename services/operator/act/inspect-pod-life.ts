/**
 * What to do about an inspect pod that exists: leave it, or take it away so that the next pass makes it anew.
 *
 * The same holds for a pull pod, except that its end is all that it is for.
 * One that was made from something else is of no use. One that is over without a result (evicted, its node
 * gone, its words not understood) gets a successor, but not at once: a node that refuses it would otherwise be
 * asked many times a second.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ObjectMeta } from "@localmodel/kube/objects/objects.ts";
import { PULL_COMPONENT, REVISION_ANNOTATION } from "../objects/metadata.ts";
import { COMPONENT_LABEL } from "@localmodel/localmodel/cluster/labels.ts";
import { isEnding, isOver } from "../status/pod-problem.ts";

/** A pod lives at least as long before it gets a successor. */
const LIFE_MIN_MS = 30_000;

export function podWrite(
  wanted: Pick<ObjectMeta, "annotations">,
  pod: Pod,
  nowMs: number,
): "keep" | "delete" | { readonly againInMs: number } {
  // Its end is an event.
  if (isEnding(pod)) return "keep";
  const revision = pod.metadata.annotations?.[REVISION_ANNOTATION];
  if (revision !== wanted.annotations?.[REVISION_ANNOTATION]) return "delete";
  if (!isOver(pod) || componentOf(pod) === PULL_COMPONENT) return "keep";
  const bornMs = Date.parse(pod.metadata.creationTimestamp ?? "");
  const leftMs = Number.isNaN(bornMs) ? 0 : bornMs + LIFE_MIN_MS - nowMs;
  return leftMs <= 0 ? "delete" : { againInMs: leftMs };
}

function componentOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[COMPONENT_LABEL];
}
