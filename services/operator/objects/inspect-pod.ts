/**
 * The pod that reads the header of the weights before any other pod of a LocalModel is made: from it follows
 * how much memory those need.
 *
 * It runs in their surroundings (Secrets, volumes, nodes) but needs no accelerator, and so the smallest image; nothing it
 * downloads is kept. The kubelet starts it again, later each time, until it has succeeded: the operator does
 * not have to remember anything.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { INSPECT_ARGS, INSPECT_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { digest } from "../model/digest.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { fetching } from "./fetch-container.ts";
import { filesOf } from "./files.ts";
import { INSPECT_COMPONENT, metadataOf, REVISION_ANNOTATION } from "./metadata.ts";
import { inspectPlacement } from "./placement.ts";
import { inspectResources } from "./resources.ts";
import { podSecurity } from "./security.ts";
import { volumesOf } from "./volumes.ts";

/** On the pod: stands for the sources its result is about. */
export const SOURCE_ANNOTATION = "localmodel.dev/source";
/** Headers are read from where they are, and kept nowhere. */
const CACHE_LIMIT = "64Mi";
/** It has nothing to finish. */
const GRACE_SECONDS = 1;

export function inspectPodName(modelName: string): string {
  return `${objectName(modelName)}-inspect`;
}

/** Changes with everything an inspection depends on, and with nothing else. */
export function sourceHash(model: Pick<Model, "spec">): string {
  return digest(filesOf(model));
}

export function inspectPod(model: Model, platform: Platform): ApplyConfiguration<Pod> {
  const volumes = volumesOf(filesOf(model), {
    limit: CACHE_LIMIT,
    caBundle: platform.fetch.caBundle,
  });
  const spec = {
    ...podSecurity(model, platform),
    ...inspectPlacement(model, platform),
    restartPolicy: "OnFailure",
    terminationGracePeriodSeconds: GRACE_SECONDS,
    containers: [
      {
        name: INSPECT_CONTAINER,
        args: INSPECT_ARGS,
        ...fetching(model, platform, platform.images.cpu),
        resources: inspectResources(model),
        volumeMounts: volumes.fetchMounts,
      },
    ],
    volumes: volumes.volumes,
  };
  const name = inspectPodName(model.name);
  const annotations = {
    [SOURCE_ANNOTATION]: sourceHash(model),
    [REVISION_ANNOTATION]: digest(spec),
  };
  return {
    metadata: { ...metadataOf(model, { name, component: INSPECT_COMPONENT }), annotations },
    spec,
  };
}
