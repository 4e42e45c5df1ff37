/**
 * Whether it is to be decided which of the images for NVIDIA's devices a model gets, and what it is decided by. Pure.
 *
 * What its pods run stays until they roll for a reason of their own: drivers that are upgraded, and nodes that come and go,
 * roll nothing. Open it is before there are pods, when they roll anyway, while none of them serves and one finds no node
 * or fails, and when one has found none for so long that no autoscaler brings it: the others then may well roll for it.
 */
import type { Deployment, Node, Pod } from "@localmodel/kube/objects/core-resources.ts";
import { SERVER_CONTAINER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import type { DeviceNode, Observed } from "../model/observed.ts";
import { CUDA_IMAGES, type CudaImage, type Platform } from "../model/platform.ts";
import { cudaAlternatives, driverOf } from "../objects/driver.ts";
import { gpuOf, usesDevices } from "../objects/gpu.ts";
import { cudaImageOf, cudaImages } from "../objects/image.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { foundNoNode, isReady, isScheduled, podProblem, stayingOf } from "../status/pod-problem.ts";
import { deployedRevision, revisionOf } from "../status/situation.ts";
import { type CudaChoice, chooseCuda, type Prospect, type Question } from "./cuda-choice.ts";
import { knownInspection, needsInspection } from "./inspection.ts";
import { couldTake, meetsOne, roomOn } from "./node-fit.ts";
import { NODE_PATIENCE_MS } from "./room.ts";

export type CudaQuestion =
  /** The model gets none of them. */
  | { readonly kind: "none" }
  | { readonly kind: "settled"; readonly choice: CudaChoice }
  | ({ readonly kind: "open"; readonly pods: readonly Candidate[] } & Omit<Question, "prospects">);

/** The pods that there would be with an image, wherever its drivers are. */
type Candidate = { readonly image: CudaImage; readonly pod: Pod };

const KEPT = { reason: "PodsRun", message: "Its pods run it: it is chosen anew when they roll." };

export function cudaQuestion(
  model: Model,
  platform: Platform,
  observed: Observed,
  nowMs: number,
): CudaQuestion {
  const images = cudaImages(platform);
  const [newest] = images;
  if (cudaImageOf(model, platform) === undefined || newest === undefined) return { kind: "none" };
  if (images.length === 1)
    return only(newest, "No other image for NVIDIA's devices is configured.");
  if (!usesDevices(model)) return only(newest, "None of its layers is on a device.");
  return ofSeveral(model, platform, { observed, nowMs });
}

type Now = { readonly observed: Observed; readonly nowMs: number };

function ofSeveral(model: Model, platform: Platform, { observed, nowMs }: Now): CudaQuestion {
  const images = cudaImages(platform);
  const inspection = knownInspection(model, observed);
  const isUnread = inspection === undefined && needsInspection(model, platform);
  const deployed = deployedImage(observed.deployment, platform);
  const before = images.find((image) => image === observed.status.image?.variant);
  const standing = standingOf(deployed, model, platform, { observed, inspection, nowMs });
  if (wantedReplicas(model) === 0 || isUnread || standing === "stays") {
    const kept = deployed ?? before ?? images[0];
    return kept === undefined ? { kind: "none" } : settled(keptChoice(kept, observed, platform));
  }
  return {
    kind: "open",
    images,
    replicas: wantedReplicas(model),
    isBound: gpuOf(model)?.requirement === "Required",
    ...standing,
    // A cache that is being filled for one need not be filled anew for another.
    ...(observed.fetchPod !== undefined && { current: standing.current ?? before }),
    pods: images.map((image) => ({ image, pod: podWith(image, model, platform, inspection) })),
  };
}

function only(image: CudaImage, message: string): CudaQuestion {
  return settled({ image, reason: "OnlyImage", message });
}

/** Whether the node is worth a look: its pods may run there, and it says which driver it has. */
export function concerns({ pods }: Extract<CudaQuestion, { kind: "open" }>, node: Node): boolean {
  return pods.some(({ pod }) => couldTake(pod, node));
}

export function answered(
  question: Extract<CudaQuestion, { kind: "open" }>,
  platform: Platform,
  found: readonly DeviceNode[] | undefined,
): CudaChoice {
  const { replicas, pods } = question;
  const prospects = found
    ?.filter(({ node }) => concerns(question, node))
    .map((seen): Prospect => {
      const rooms = pods
        .filter(
          ({ image, pod }) =>
            couldTake(pod, seen.node) && meetsOne(cudaAlternatives(image, platform), seen.node),
        )
        .map(({ image, pod }) => [image, roomFor(pod, seen, replicas)] as const);
      return { driver: driverOf(seen.node) ?? "", rooms: Object.fromEntries(rooms) };
    });
  return chooseCuda({ ...question, prospects });
}

/** Of a node whose pods have not been looked at nothing is known against it. */
function roomFor(pod: Pod, { node, pods }: DeviceNode, replicas: number): number {
  return pods === undefined ? replicas : roomOn(pod, { node, pods }, replicas);
}

function settled(choice: CudaChoice): CudaQuestion {
  return { kind: "settled", choice };
}

/** What was said when it was chosen is as true as it was. */
function keptChoice(
  image: CudaImage,
  { status: { image: before } }: Observed,
  { images }: Platform,
): CudaChoice {
  const isSame = before?.variant === image && before.name === images[image];
  return { image, ...((isSame ? before : KEPT) as Omit<CudaChoice, "image">) };
}

function deployedImage(
  deployment: Deployment | undefined,
  { images }: Platform,
): CudaImage | undefined {
  const containers = deployment?.spec?.template.spec?.containers ?? [];
  const server = containers.find(({ name }) => name === SERVER_CONTAINER);
  return CUDA_IMAGES.find((image) => server !== undefined && images[image] === server.image);
}

type Seen = Now & { readonly inspection: Inspection | undefined };
type Standing = Pick<Question, "current" | "refuted"> | "stays";

function standingOf(
  deployed: CudaImage | undefined,
  model: Model,
  platform: Platform,
  { observed, inspection, nowMs }: Seen,
): Standing {
  if (deployed === undefined) return {};
  const revision = deployedRevision(observed.deployment);
  const { metadata } = podTemplate(model, { ...platform, cudaImage: deployed }, inspection);
  if (metadata.annotations[REVISION_ANNOTATION] !== revision) return {};
  const pods = stayingOf(observed.pods).filter((pod) => revisionOf(pod) === revision);
  if (pods.length === 0) return {};
  if (pods.some(isReady)) {
    return waitsInVain(model, pods, nowMs) ? { current: deployed } : "stays";
  }
  const failed = pods.filter(isScheduled).map((pod) => podProblem(pod, undefined));
  const isRefuted = failed.some(({ reason }) => reason === "DriverTooOld");
  if (isRefuted) return { current: deployed, refuted: deployed };
  const isOpen = failed.length < pods.length || failed.some(({ waits }) => !waits);
  return isOpen ? { current: deployed } : "stays";
}

/** Pods that are kept to nodes for their image, and of which one could be on another node with another image. */
function waitsInVain(model: Model, pods: readonly Pod[], nowMs: number): boolean {
  if (gpuOf(model)?.requirement !== "Required") return false;
  return pods.some((pod) => foundNoNode(pod, nowMs, NODE_PATIENCE_MS));
}

function podWith(
  image: CudaImage,
  model: Model,
  platform: Platform,
  inspection: Inspection | undefined,
): Pod {
  const anyDriver = { ...platform, cudaImage: image, leastCudaDriver: 0, leastCuda12Driver: 0 };
  const { metadata, spec } = podTemplate(model, anyDriver, inspection);
  return { metadata: { ...metadata, name: model.name, namespace: model.namespace }, spec } as Pod;
}
