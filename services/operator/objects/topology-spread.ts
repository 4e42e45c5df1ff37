/** How replicas spread: over nodes as well as possible, unless the author says something else. */
import { selectorLabels } from "@localmodel/localmodel/cluster/labels.ts";
import type { Model } from "../model/model.ts";

/** Counts pods of one revision only, so that a roll does not end lopsided. */
const SAME_REVISION = ["pod-template-hash"];

export function topologySpread({ name, spec }: Model): readonly object[] {
  const labelSelector = { matchLabels: selectorLabels(name) };
  const given = spec.topologySpreadConstraints;
  if (given !== undefined) return given.map((constraint) => ({ labelSelector, ...constraint }));
  return [
    {
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector,
      matchLabelKeys: SAME_REVISION,
    },
  ];
}
