/**
 * Merges what a platform wants of pods into what the operator makes, much as Kubernetes' strategic merge does.
 *
 * Objects are merged field by field, and null takes a field away. Items of some lists are the same by a name, and are merged
 * likewise; new ones come last. Other lists are replaced. What may be said at all: pod-patch-rules.ts.
 */
import { type Fields, isFields } from "../model/fields.ts";

/** By what items of a list are the same, as in Kubernetes' PodSpec. */
const MERGE_KEYS = new Map([
  ["containers", "name"],
  ["initContainers", "name"],
  ["volumes", "name"],
  ["env", "name"],
  ["ports", "containerPort"],
  ["volumeMounts", "mountPath"],
  ["volumeDevices", "devicePath"],
  ["hostAliases", "ip"],
  ["topologySpreadConstraints", "topologyKey"],
]);

/** What it makes of a pod is still one, with more in it: what may not be changed is refused before. */
export function patched<Spec extends object>(spec: Spec, patch: Fields | undefined): Spec {
  return patch === undefined ? spec : (mergedFields(spec as unknown as Fields, patch) as Spec);
}

function mergedFields(base: Fields, patch: Fields): Fields {
  const entries = Object.entries(patch).map(([field, value]) => [
    field,
    merged(field, base[field], value),
  ]);
  const all: Fields = { ...base, ...Object.fromEntries(entries) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function merged(field: string, base: unknown, patch: unknown): unknown {
  // What is new has no nulls either.
  if (isFields(patch)) return mergedFields(isFields(base) ? base : {}, patch);
  const key = MERGE_KEYS.get(field);
  if (key === undefined || !Array.isArray(patch)) return patch;
  return mergedItems(key, Array.isArray(base) ? base : [], patch);
}

function mergedItems(key: string, base: readonly unknown[], patch: readonly unknown[]) {
  const keyOf = (item: unknown) => (isFields(item) ? item[key] : undefined);
  const given = new Map(patch.map((item) => [keyOf(item), item]));
  const known = new Set(base.map(keyOf));
  return [
    ...base.map((item) => merged("", item, given.get(keyOf(item)) ?? item)),
    ...patch.filter((item) => !known.has(keyOf(item))).map((item) => merged("", undefined, item)),
  ];
}
