/**
 * The pod that pulls what a new pod needs onto the node where it will run, before an old one makes room for it there: an
 * image that cannot be pulled then costs no pod that serves.
 *
 * It asks for no device and next to nothing else, runs wherever it is sent, and ends at once.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { digest } from "../model/digest.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { filesOf } from "./files.ts";
import { imageFields, serverImage } from "./image.ts";
import { metadataOf, PULL_COMPONENT, REVISION_ANNOTATION } from "./metadata.ts";
import { commonPlacement, onNode } from "./placement.ts";
import { containerSecurity, podSecurity } from "./security.ts";
import { volumesOf } from "./volumes.ts";

const CONTAINER = "pull";
/** The entry point of the image is node, which says its version and ends. */
const ARGS = ["--version"];
const RESOURCES = {
  requests: { cpu: "1m", memory: "16Mi" },
  limits: { cpu: "500m", memory: "64Mi" },
};

export function pullPodName(modelName: string): string {
  return `${objectName(modelName)}-pull`;
}

export function pullPod(
  model: Model,
  platform: Platform,
  nodeName: string,
): ApplyConfiguration<Pod> {
  const { serviceAccountName, ...placement } = commonPlacement(model, platform);
  const { podFields } = platform;
  const { imagePullSecrets } = placement as { imagePullSecrets?: readonly object[] };
  const images = volumesOf(filesOf(model)).volumes.filter((volume) => "image" in volume);
  const spec = {
    ...podSecurity(model, platform),
    ...podFields,
    serviceAccountName,
    ...(imagePullSecrets && { imagePullSecrets }),
    ...onNode(nodeName),
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: CONTAINER,
        args: ARGS,
        ...imageFields(serverImage(model, platform), platform),
        resources: RESOURCES,
        securityContext: containerSecurity,
        volumeMounts: images.map(({ name }) => ({ name, mountPath: `/mnt/${name}` })),
      },
    ],
    volumes: images,
  };
  const metadata = metadataOf(model, { name: pullPodName(model.name), component: PULL_COMPONENT });
  return { metadata: { ...metadata, annotations: { [REVISION_ANNOTATION]: digest(spec) } }, spec };
}
