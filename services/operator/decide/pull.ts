/**
 * Whether an old pod has to wait for an image: it may only go once the image of the new one is on its node.
 *
 * Known it is where a pod of this model has run with it, where the node says so, or where a pull pod has ended.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { serverImage } from "../objects/image.ts";
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
  const image = serverImage(model, platform);
  if (nodeName === undefined || isOnNode(image, nodeName, observed)) return { kind: "known" };
  const configuration = pullPod(model, platform, nodeName);
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

function isOnNode(image: string, nodeName: string, { pods, waiting }: Observed): boolean {
  const runs = pods.some(
    (pod) =>
      pod.spec?.nodeName === nodeName &&
      pod.spec.containers.some((container) => container.image === image) &&
      (pod.status?.initContainerStatuses ?? []).some(({ imageID }) => imageID !== ""),
  );
  const images = waiting?.places.get(nodeName)?.node.status?.images ?? [];
  return runs || images.some(({ names = [] }) => names.includes(image));
}
