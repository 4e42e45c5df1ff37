/**
 * The pod that fills a model's cache before there are pods that ask for devices, so that none waits for a download.
 *
 * It does what the container `fetch` of a serving pod does, on the same claim, and that one then finds everything there. It
 * needs no accelerator, and so the smallest image and any node that reaches the volume; where the volume is made for its first
 * pod, a node that could run the server.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { FETCH_ARGS, FETCH_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import {
  type CacheCleaningInput,
  CLEANING_VARIABLE,
} from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import { digest } from "../model/digest.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { cacheClaimName } from "./cache-claim.ts";
import { fetching } from "./fetch-container.ts";
import { filesOf, type ModelFile } from "./files.ts";
import { SOURCE_ANNOTATION } from "./inspect-pod.ts";
import { FETCH_COMPONENT, metadataOf, REVISION_ANNOTATION } from "./metadata.ts";
import { inspectPlacement, onNode } from "./placement.ts";
import { fetchResources } from "./resources.ts";
import { podSecurity } from "./security.ts";
import { volumesOf } from "./volumes.ts";

/** On the pod: whom it downloads from. */
export const HOST_ANNOTATION = "localmodel.dev/host";
/** In place of what it fetches. */
const CLEANING = "cleaning";
/** What it has written is continued by the next. */
const GRACE_SECONDS = 1;

export function fetchPodName(modelName: string): string {
  return `${objectName(modelName)}-fetch`;
}

/** Stands for the files and the claim they are on; undefined where there is no claim. */
export function fillHash(model: Model): string | undefined {
  const claim = cacheClaimName(model);
  return claim === undefined ? undefined : digest([claim, filesOf(model)]);
}

type Wanted = {
  readonly sourceHash: string;
  readonly host: string;
  /** The one node that has the volume; none: any that reaches it. */
  readonly nodeName?: string | undefined;
  /** What stays in the cache, where the rest may go. */
  readonly cleaning?: CacheCleaningInput | undefined;
  /** Where the server could run. */
  readonly placement?: object | undefined;
};

export function fetchPod(
  model: Model,
  platform: Platform,
  { sourceHash, host, ...wanted }: Wanted,
): ApplyConfiguration<Pod> {
  const annotations = { [SOURCE_ANNOTATION]: sourceHash, [HOST_ANNOTATION]: host };
  return podOnClaim(model, platform, { ...wanted, annotations, files: filesOf(model) });
}

/** It has the same name, because both are never needed at the same time, and asks nobody for anything. */
export function cleaningPod(
  model: Model,
  platform: Platform,
  wanted: Pick<Wanted, "nodeName" | "cleaning">,
): ApplyConfiguration<Pod> {
  const annotations = { [SOURCE_ANNOTATION]: CLEANING };
  return podOnClaim(model, platform, { ...wanted, annotations, files: [] });
}

export function isCleaningPod({ metadata }: Pod): boolean {
  return metadata.annotations?.[SOURCE_ANNOTATION] === CLEANING;
}

type OnClaim = Pick<Wanted, "nodeName" | "cleaning" | "placement"> & {
  readonly annotations: Readonly<Record<string, string>>;
  readonly files: readonly ModelFile[];
};

function podOnClaim(
  model: Model,
  platform: Platform,
  {
    files,
    annotations,
    nodeName,
    cleaning,
    placement = inspectPlacement(model, platform),
  }: OnClaim,
): ApplyConfiguration<Pod> {
  const volumes = volumesOf(files, {
    claim: cacheClaimName(model),
    caBundle: platform.fetch.caBundle,
  });
  const spec = {
    ...podSecurity(model, platform),
    ...placement,
    ...(nodeName !== undefined && onNode(nodeName)),
    restartPolicy: "OnFailure",
    terminationGracePeriodSeconds: GRACE_SECONDS,
    containers: [
      {
        name: FETCH_CONTAINER,
        args: FETCH_ARGS,
        ...fetching(model, platform, platform.images.cpu, files),
        resources: fetchResources(model),
        volumeMounts: volumes.fetchMounts,
      },
    ],
    volumes: volumes.volumes,
  };
  const metadata = metadataOf(model, {
    name: fetchPodName(model.name),
    component: FETCH_COMPONENT,
  });
  const revision = { [REVISION_ANNOTATION]: digest(spec) };
  return {
    metadata: { ...metadata, annotations: { ...annotations, ...revision } },
    spec: withCleaning(spec, cleaning),
  };
}

/** No reason to make the pod anew: it is not part of the revision. */
function withCleaning<Spec extends { readonly containers: readonly { readonly env: object[] }[] }>(
  spec: Spec,
  cleaning: CacheCleaningInput | undefined,
) {
  if (cleaning === undefined) return spec;
  const variable = { name: CLEANING_VARIABLE, value: JSON.stringify(cleaning) };
  const containers = spec.containers.map((one) => ({ ...one, env: [...one.env, variable] }));
  return { ...spec, containers };
}
