/**
 * The directory of a cluster: which ids there are, who answers to them, and where.
 *
 * Pure. An id that two LocalModels claim leads to the older one, by the same rule (claims.ts) by which the
 * operator tells the younger that it lost.
 */
import type { EndpointSlice } from "@localmodel/kube/core-resources.ts";
import { type Claim, claims, sharesOf } from "@localmodel/localmodel/claims.ts";
import type { Directory, DirectoryModel } from "@localmodel/localmodel/directory.ts";
import type { Capability } from "@localmodel/localmodel/server-state.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/status-spec.ts";
import { endpointsOf, modelOf, podNames } from "./model-endpoints.ts";
import { explanationOf } from "./model-state.ts";
import type { ObservedModel } from "./observed-model.ts";

export function directoryOf(
  models: Iterable<ObservedModel>,
  slices: Iterable<EndpointSlice>,
): Directory {
  const slicesByModel = Map.groupBy(slices, modelOf);
  // Equal ages are decided by order, which must be the same everywhere and every time.
  const ordered = [...models].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const claimed = claims(ordered);
  return {
    models: ordered.flatMap((model, index) => {
      const own = slicesByModel.get(model.key) ?? [];
      const where = { endpoints: endpointsOf(own), pods: podNames(own) };
      const names = namesOf(model, claimed[index] ?? { held: [] });
      return names.map((name) => entry(model, { ...name, ...where }));
    }),
  };
}

type Names = Pick<DirectoryModel, "id" | "aliases" | "parent">;

/** The model under its ids, then each of its adapters under its own. */
function namesOf(model: ObservedModel, claim: Pick<Claim, "held">): readonly Names[] {
  const { ids, adapterIds } = sharesOf(model, claim);
  const [id, ...aliases] = ids;
  const parent = id ?? model.modelId;
  return [
    ...(id === undefined ? [] : [{ id, aliases }]),
    ...adapterIds.map((adapter) => ({ id: adapter, aliases: [], parent })),
  ];
}

function entry(
  { createdMs, slots, status }: ObservedModel,
  route: Names & Pick<DirectoryModel, "endpoints" | "pods">,
): DirectoryModel {
  const facts = factsOf(status);
  return {
    ...route,
    createdSeconds: Math.floor(createdMs / 1000),
    ...(slots !== undefined && { slots }),
    ...explanationOf(status, route.endpoints.length),
    ...(facts !== undefined && { facts }),
  };
}

/** From the file's header what pods do not report: it is known before any pod is. */
function factsOf({ inspection, model }: LocalModelStatus) {
  if (inspection === undefined && model === undefined) return undefined;
  const { contextLength, capabilities, ...loaded } = model ?? {};
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
  });
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
