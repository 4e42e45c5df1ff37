/** The pods that serve a LocalModel: fetch, then serve. */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { MODEL_SERVER_COMPONENT } from "@localmodel/localmodel/cluster/labels.ts";
import { SERVER_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { digest } from "../model/digest.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { cacheClaimName } from "./cache-claim.ts";
import { compiledCode } from "./compiled-code.ts";
import { fetchContainer } from "./fetch-container.ts";
import { filesOf } from "./files.ts";
import { gpuOf, podClaims } from "./gpu.ts";
import { labelsOf, REVISION_ANNOTATION } from "./metadata.ts";
import { serverPlacement } from "./placement.ts";
import { cacheLimit } from "./resources.ts";
import { patched } from "./pod-patch.ts";
import { podSecurity } from "./security.ts";
import { graceSeconds, serverContainer } from "./server-container.ts";
import { topologySpread } from "./topology-spread.ts";
import { volumesOf } from "./volumes.ts";

export type PodTemplate = ReturnType<typeof podTemplate>;

export function podTemplate(model: Model, platform: Platform, inspection: Inspection | undefined) {
  const limit = inspection && cacheLimit(inspection);
  const volumes = volumesOf(filesOf(model), {
    claim: cacheClaimName(model),
    caBundle: platform.fetch.caBundle,
    prompts: model.spec.engine.promptCacheDisk,
    isForServer: platform.serverTrustsCaBundle,
    compiled: compiledCode(model),
    ...(limit !== undefined && { limit }),
  });
  const made = {
    ...podSecurity(model, platform),
    ...serverPlacement(model, platform, inspection),
    ...podClaims(gpuOf(model)),
    topologySpreadConstraints: topologySpread(model),
    terminationGracePeriodSeconds: graceSeconds(model),
    initContainers: [fetchContainer(model, platform, volumes)],
    containers: [serverContainer(model, platform, { volumes, inspection })],
    volumes: volumes.volumes,
  };
  const spec = patched(made, platform.podTemplatePatch?.spec);
  return { metadata: podMetadata(model, spec), spec };
}

/**
 * Where a ServiceAccount has a role of AWS's, EKS gives its token to all containers but these: who serves strangers' weights
 * is to have none.
 */
const WITHOUT_ROLE = { "eks.amazonaws.com/skip-containers": SERVER_CONTAINER };

/** The revision tells pods of this template from those of any other. */
function podMetadata(model: Model, spec: object) {
  const { labels = {}, annotations: own = {} } = model.spec.podMetadata ?? {};
  const annotations = { ...own, ...WITHOUT_ROLE };
  return {
    labels: { ...labels, ...labelsOf(model, MODEL_SERVER_COMPONENT) },
    annotations: { ...annotations, [REVISION_ANNOTATION]: digest([labels, annotations, spec]) },
  };
}
