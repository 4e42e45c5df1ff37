/**
 * Which pods go when there are to be fewer: those that do not serve, then those with the least to finish, and of those
 * whose cache is worth least.
 *
 * The controller of the pods chooses whom to end, by a mark on them. While a roll replaces pods, it has its own marks.
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

const NONE: Marks = { marks: [], unmarks: [] };

export function scaleIn(
  { scale }: Model,
  { pods, deployment }: Observed,
  { revision, inFlightByPod, rememberedByPod }: PodLoads & { revision: string | undefined },
): Marks {
  const staying = stayingOf(pods);
  if (scale === undefined || staying.some((pod) => revisionOf(pod) !== revision)) return NONE;
  const excess = staying.length - scale.desired;
  if (excess <= 0) return { marks: [], unmarks: staying.filter(isMarked) };
  if (scale.desired === 0 || (deployment?.spec?.replicas ?? 0) <= scale.desired) return NONE;
  const inFlight = ({ metadata }: Pod): number => inFlightByPod?.get(metadata.name) ?? 0;
  const remembered = ({ metadata }: Pod): number => rememberedByPod?.get(metadata.name) ?? 0;
  const going = staying
    .toSorted(
      (a, b) =>
        Number(isReady(a)) - Number(isReady(b)) ||
        inFlight(a) - inFlight(b) ||
        remembered(a) - remembered(b),
    )
    .slice(0, excess);
  return {
    marks: going.filter((pod) => !isMarked(pod)),
    unmarks: staying.filter((pod) => isMarked(pod) && !going.includes(pod)),
  };
}
