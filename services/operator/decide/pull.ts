/**
 * Whether an old pod has to wait for images: it may only go once those of the new one are on its node, the server's and
 * weights that are an image.
 *
 * Known they are where a pod of this model has run with them, where the node says so, or where a pull pod has ended.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { pullPod } from "../objects/pull-pod.ts";
import { foundNoNode, isEnding, isOver } from "../status/pod-problem.ts";

export type Pull =
  | { readonly kind: "known" }
  | {
      readonly kind: "pulling" | "pulled";
      readonly configuration: ApplyConfiguration<Pod>;
      /** There is one already, and it is this one. */
      readonly pod: Pod | undefined;
    };

export function pullOn(
  nodeName: string | undefined,
  model: Model,
  platform: Platform,
  { observed, nowMs }: { readonly observed: Observed; readonly nowMs: number },
): Pull {
  if (nodeName === undefined) return { kind: "known" };
  const configuration = pullPod(model, platform, nodeName);
  if (areOnNode(imagesOf(configuration), nodeName, observed)) return { kind: "known" };
  const { pullPod: seen } = observed;
  const isThis =
    seen !== undefined &&
    !isEnding(seen) &&
    madeFrom(seen.metadata) === madeFrom(configuration.metadata);
  const pod = isThis ? seen : undefined;
  // A node may have no room even for the pull pod: then nothing can be known.
  const isDone = pod !== undefined && (isOver(pod) || foundNoNode(pod, nowMs));
  return { kind: isDone ? "pulled" : "pulling", configuration, pod };
}

function madeFrom({ annotations }: Pick<Pod["metadata"], "annotations">): string | undefined {
  return annotations?.[REVISION_ANNOTATION];
}

function areOnNode(
  images: readonly string[],
  nodeName: string,
  { pods, waiting }: Observed,
): boolean {
  const ran = pods.filter(
    ({ spec, status }) =>
      spec?.nodeName === nodeName &&
      (status?.initContainerStatuses ?? []).some(({ imageID }) => imageID !== ""),
  );
  const told = waiting?.places.get(nodeName)?.node.status?.images ?? [];
  const known = new Set([...ran.flatMap(imagesOf), ...told.flatMap(({ names = [] }) => names)]);
  return images.every((image) => known.has(image));
}

/** Those of volumes are there before the first container. */
function imagesOf({ spec }: Pick<Pod, "spec"> | Pick<ApplyConfiguration<Pod>, "spec">) {
  const volumes = (spec?.volumes ?? []).flatMap(({ image }) => image?.reference ?? []);
  return [...(spec?.containers ?? []).flatMap(({ image }) => image ?? []), ...volumes];
}
