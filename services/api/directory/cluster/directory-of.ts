/**
 * The directory of a cluster: which ids there are, who answers to them, and where.
 *
 * Pure. An id that two LocalModels claim leads to the older one, by the same rule (claims.ts) by which the
 * operator tells the younger that it lost.
 */
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import { claims, sharesOf } from "@localmodel/localmodel/resource/claims.ts";
import {
  type Directory,
  type DirectoryModel,
  type Names,
  listedAs,
} from "@localmodel/localmodel/contracts/directory.ts";
import type { Stay } from "@localmodel/localmodel/contracts/stay.ts";
import type { Capability } from "@localmodel/localmodel/contracts/server-state.ts";
import type {
  AcceleratorStatus,
  LocalModelStatus,
} from "@localmodel/localmodel/resource/status-spec.ts";
import { endpointsOf, modelOf, nodeNames, podNames } from "./model-endpoints.ts";
import { type Explanation, explanationOf } from "./model-state.ts";
import type { ObservedModel } from "./observed-model.ts";
import { dividedByResidence, type ResidenceOf } from "./server-residence.ts";

export function directoryOf(
  models: Iterable<ObservedModel>,
  slices: Iterable<EndpointSlice>,
  residenceOf: ResidenceOf = () => ({ state: "awake" }),
): Directory {
  const slicesByModel = Map.groupBy(slices, modelOf);
  // Equal ages are decided by order, which must be the same everywhere and every time.
  const ordered = [...models].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const claimed = claims(ordered);
  return {
    models: ordered.flatMap((model, index) => {
      const own = slicesByModel.get(model.key) ?? [];
      const where = { ...serversOf(model, own, residenceOf), pods: podNames(own) };
      const { ids, adapterIds } = sharesOf(model, claimed[index] ?? { held: [] });
      const names = listedAs(ids, adapterIds, model.modelId);
      return names.map((name) => entry(model, { ...name, ...where, server: model.key }));
    }),
  };
}

/** Its ready pods, and what is said of it by how many of them serve. */
function serversOf(
  { scaling, status }: ObservedModel,
  slices: readonly EndpointSlice[],
  residenceOf: ResidenceOf,
): Servers {
  const ready = endpointsOf(slices);
  const served = { endpoints: ready, ...explanationOf(status, ready.length) };
  if (scaling?.sleep !== "unload" || scaling.minReplicas > 0) return served;
  const nodes = nodeNames(slices);
  const { endpoints, sleepers, asleep } = dividedByResidence(ready, residenceOf);
  if (sleepers.length === 0) return { ...served, nodes };
  const said = endpoints.length === 0 ? asleep : explanationOf(status, endpoints.length);
  return { endpoints, sleepers, nodes, ...said };
}

type Servers = Pick<DirectoryModel, "endpoints" | "sleepers" | "nodes"> & Explanation;

function entry(
  { createdMs, slots, scaling, status }: ObservedModel,
  route: Names & Servers & Pick<DirectoryModel, "pods" | "server">,
): DirectoryModel {
  const facts = factsOf(status);
  const leaving = leavingOf(status, route);
  const staying = route.endpoints.filter((url) => !leaving.includes(url));
  const isLeft = staying.length > 0 && queuesFirst(scaling, slots);
  return {
    ...route,
    ...(isLeft ? { endpoints: staying } : leaving.length > 0 && { leaving }),
    createdSeconds: Math.floor(createdMs / 1000),
    ...(slots !== undefined && { slots }),
    ...scalingOf(scaling),
    stay: stayOf(scaling, status),
    ...(facts !== undefined && { facts }),
  };
}

function leavingOf(
  { scaling }: LocalModelStatus,
  { endpoints, pods = {} }: Pick<DirectoryModel, "endpoints" | "pods">,
): readonly string[] {
  const named = new Set(scaling?.leaving);
  return named.size === 0 ? [] : endpoints.filter((url) => named.has(pods[url] ?? ""));
}

/**
 * Whether more requests are meant for a server than it has slots. Then servers that are to become idle get none at all: the
 * others seldom have a free slot, and yet are enough.
 */
function queuesFirst(scaling: ObservedModel["scaling"], slots = 1): boolean {
  return (scaling?.targetRequestsPerReplica ?? slots) > slots;
}

function scalingOf(scaling: ObservedModel["scaling"]) {
  if (scaling === undefined) return {};
  const { minReplicas, activationTimeoutSeconds, sleep } = scaling;
  return {
    scales: true,
    ...(minReplicas === 0 && { activationTimeoutSeconds }),
    ...(sleep === "unload" && { unloads: true }),
  };
}

/** As the operator, or the pods of a model that sleeps by `unload`, go by it. */
function stayOf(scaling: ObservedModel["scaling"], { scaling: said }: LocalModelStatus): Stay {
  if (scaling === undefined || scaling.minReplicas > 0) return "always";
  const { idleSeconds, schedule } = scaling;
  const usedAtMs = Date.parse(said?.lastUsed ?? "");
  return { idleSeconds, schedule, ...(!Number.isNaN(usedAtMs) && { usedAtMs }) };
}

/** From the file's header what pods do not report: it is known before any pod is. */
function factsOf({ inspection, model, accelerator }: LocalModelStatus) {
  if (inspection === undefined && model === undefined) return undefined;
  const { contextLength, capabilities = inspection?.capabilities, ...loaded } = model ?? {};
  const { trainContextTokens, vocabularyTokens, embeddingDimensions } = inspection ?? {};
  const { architecture, parameters, quantization, sizeBytes } = { ...inspection, ...loaded };
  return defined({
    architecture,
    parameters,
    quantization,
    sizeBytes,
    trainContextTokens,
    vocabularyTokens,
    embeddingDimensions,
    contextTokens: contextLength,
    // A newer operator may name some that this version does not know; they are only passed on.
    capabilities: capabilities as Capability[] | undefined,
    ...(accelerator && deviceFactsOf(accelerator)),
  });
}

function deviceFactsOf({ devices, deviceMemoryBytes, layers, ofLayers }: AcceleratorStatus) {
  // The status has the sum: devices of a pod are alike.
  const memoryBytes = Math.floor(deviceMemoryBytes / Math.max(1, devices.length));
  return {
    devices: devices.map((name) => ({ name, memoryBytes })),
    offloaded: layers === undefined || ofLayers === undefined ? undefined : { layers, ofLayers },
  };
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
