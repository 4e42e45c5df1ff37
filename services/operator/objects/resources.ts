/**
 * What each container may use. What the author says is taken as it is; what he leaves out is computed.
 *
 * On the CPU the server gets the whole estimate as request and limit, so that no node promises memory
 * twice. With an accelerator most of it ends up there: the request covers what stays in RAM, the limit still
 * allows for all of it, because layers that do not fit the device are kept in RAM. CPU has no limit unless
 * the author sets one: throttled threads that wait for each other spinning are worse than busy nodes.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { candidatesOf, filesOf } from "./files.ts";
import { containerClaims, gpuOf, gpuResources } from "./gpu.ts";
import { mebibytes } from "./quantities.ts";

type Quantities = Readonly<Record<string, string>>;

/** Pinned buffers and the driver's own memory. */
const DEVICE_HOST_BYTES = 2 ** 30;
const DISK = "ephemeral-storage";
const DEFAULT_CPU_REQUEST = "1";
const FETCH_REQUESTS = { cpu: "100m", memory: "128Mi" };
/** Mostly files being written, which the kernel drops when it has to. */
const FETCH_MEMORY_LIMIT = "512Mi";
const CACHE_SPARE_SHARE = 0.1;
const CACHE_SPARE_BYTES = 2 ** 30;
const INSPECT_REQUESTS = { cpu: "100m", memory: "256Mi" };

/** Whether the author says how much memory pods get, so that nobody has to find out. */
export function saysMemory(model: Pick<Model, "spec">): boolean {
  return says(model, "memory");
}

function says({ spec: { resources } }: Pick<Model, "spec">, name: string): boolean {
  return resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined;
}

/** `inspection`: absent while nothing is known; then memory is left to the author. */
export function serverResources(
  model: Model,
  platform: Pick<Platform, "ephemeralStorageRequests">,
  inspection: Inspection | undefined,
) {
  const { requests = {}, limits = {} } = model.spec.resources ?? {};
  const gpu = gpuOf(model);
  const memory = saysMemory(model) ? undefined : memoryOf(model, inspection);
  return {
    requests: {
      ...defaultCpu(model),
      ...memory?.requests,
      ...(asksForDisk(model, platform) && diskOf(inspection)),
      ...requests,
      ...gpuResources(gpu),
    },
    limits: { ...memory?.limits, ...limits, ...gpuResources(gpu) },
    ...containerClaims(gpu),
  };
}

/** Where downloads go with the pod, its node has to have room for them: as its author says, or as the header does. */
export function asksForDisk(
  model: Model,
  { ephemeralStorageRequests }: Pick<Platform, "ephemeralStorageRequests">,
): boolean {
  const isDownloaded = candidatesOf(filesOf(model)).some(({ source: { type } }) =>
    ["huggingFace", "http", "s3"].includes(type),
  );
  const goesWithPod = isDownloaded && model.spec.cache === undefined;
  return ephemeralStorageRequests && goesWithPod && !says(model, DISK);
}

function diskOf(inspection: Inspection | undefined): Quantities {
  if (inspection === undefined) return {};
  return { [DISK]: mebibytes(inspection.sizeBytes + inspection.furtherBytes) };
}

function defaultCpu({ spec }: Model): Quantities {
  const isSaid = spec.resources?.limits?.["cpu"] !== undefined;
  const { threads = 0, promptThreads = 0 } = spec.engine;
  const most = Math.max(threads, promptThreads);
  return isSaid ? {} : { cpu: most === 0 ? DEFAULT_CPU_REQUEST : String(most) };
}

/** What takes memory beside the weights and the context of the model itself. */
export function servedBy(spec: Model["spec"]) {
  return { takesImages: spec.projector !== undefined };
}

function memoryOf(model: Model, inspection: Inspection | undefined) {
  if (inspection === undefined) return undefined;
  const { spec } = model;
  const { weightsBytes, contextBytes, marginBytes } = estimateMemory(
    inspection,
    spec.engine,
    servedBy(spec),
  );
  const movableBytes = weightsBytes + contextBytes;
  const hostBytes = gpuOf(model) === undefined ? 0 : DEVICE_HOST_BYTES;
  const keptBytes = movableBytes * (1 - deviceShare(model, inspection));
  return {
    requests: { memory: mebibytes(marginBytes + hostBytes + keptBytes) },
    limits: { memory: mebibytes(marginBytes + hostBytes + movableBytes) },
  };
}

/** How much of the model is on the device, at least: what patterns keep in RAM, its header alone does not tell. */
export function deviceShare(model: Model, { layers }: Inspection): number {
  if (gpuOf(model) === undefined) return 0;
  const { gpuLayers, tensorBuffers = [] } = model.spec.engine;
  if (tensorBuffers.length > 0) return 0;
  if (gpuLayers === undefined || layers === 0) return gpuLayers === 0 ? 0 : 1;
  return Math.min(1, gpuLayers / layers);
}

/** What a cache that goes with the pod may grow to: the files, with room for a download that starts again. */
export function cacheLimit({ sizeBytes, furtherBytes }: Inspection): string {
  return mebibytes((sizeBytes + furtherBytes) * (1 + CACHE_SPARE_SHARE) + CACHE_SPARE_BYTES);
}

export function fetchResources(model: Model) {
  return {
    requests: FETCH_REQUESTS,
    limits: { memory: FETCH_MEMORY_LIMIT, ...cpuLimit(model) },
  };
}

export function inspectResources(model: Model) {
  const { memory } = INSPECT_REQUESTS;
  return { requests: INSPECT_REQUESTS, limits: { memory, ...cpuLimit(model) } };
}

/** Where a quota demands limits of the server, it demands them of every container. */
function cpuLimit({ spec }: Model): Quantities {
  const cpu = spec.resources?.limits?.["cpu"];
  return cpu === undefined ? {} : { cpu };
}
