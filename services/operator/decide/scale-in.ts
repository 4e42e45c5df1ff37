/**
 * Which pods go when there are to be fewer: those that do not serve, then those with the least to finish, and of those
 * whose cache is worth least.
 *
 * The controller of the pods chooses whom to end, by a mark on them. While a roll replaces pods, it has its own marks. Pods
 * that are busy are not ended: the API service is told to prefer others, until no request is at them.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import { isMarked } from "../objects/deletion-cost.ts";
import { isReady, stayingOf } from "../status/pod-problem.ts";
import { revisionOf } from "../status/situation.ts";

type Marks = {
  /** Are to go first and do not say so yet. */
  readonly marks: readonly Pod[];
  /** Say so and are to stay: they were to go, and then more were needed. */
  readonly unmarks: readonly Pod[];
};

/** What the API service says of pods, by their names. */
export type PodLoads = {
  readonly inFlightByPod?: ReadonlyMap<string, number>;
  readonly rememberedByPod?: ReadonlyMap<string, number>;
};

type Loads = PodLoads & { readonly revision: string | undefined };

const NONE: Marks = { marks: [], unmarks: [] };

export function scaleIn(
  { scale }: Model,
  { pods, deployment }: Observed,
  { revision, ...loads }: Loads,
): Marks {
  const staying = stayingOf(pods);
  if (scale === undefined || staying.some((pod) => revisionOf(pod) !== revision)) return NONE;
  const excess = staying.length - scale.desired;
  if (excess <= 0) return { marks: [], unmarks: staying.filter(isMarked) };
  if (scale.desired === 0 || (deployment?.spec?.replicas ?? 0) <= scale.desired) return NONE;
  const going = staying.toSorted(leastFirst(loads)).slice(0, excess);
  return {
    marks: going.filter((pod) => !isMarked(pod)),
    unmarks: staying.filter((pod) => isMarked(pod) && !going.includes(pod)),
  };
}

/** Names of pods that are more than needed and busy, all of them; those that were named before stay so. */
export function leavingPods(
  { scale }: Model,
  { pods, status }: Pick<Observed, "pods" | "status">,
  { revision, ...loads }: Loads,
): readonly string[] {
  const staying = stayingOf(pods);
  if (scale?.surplus === undefined || staying.some((pod) => revisionOf(pod) !== revision))
    return [];
  const needed = scale.desired - scale.surplus;
  const known = new Set(status.scaling?.leaving);
  const isNew = ({ metadata }: Pod): number => Number(!known.has(metadata.name));
  const least = leastFirst(loads);
  return staying
    .toSorted((a, b) => isNew(a) - isNew(b) || least(a, b))
    .slice(0, Math.max(0, staying.length - needed))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

function leastFirst({ inFlightByPod, rememberedByPod }: PodLoads): (a: Pod, b: Pod) => number {
  const inFlight = ({ metadata }: Pod): number => inFlightByPod?.get(metadata.name) ?? 0;
  const remembered = ({ metadata }: Pod): number => rememberedByPod?.get(metadata.name) ?? 0;
  return (a, b) =>
    Number(isReady(a)) - Number(isReady(b)) ||
    inFlight(a) - inFlight(b) ||
    remembered(a) - remembered(b);
}
