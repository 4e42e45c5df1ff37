/**
 * What all objects of a LocalModel have in common: name, labels, and the LocalModel as their owner.
 *
 * The owner reference is what deletes them: the garbage collector does it, with the operator running or not.
 */
import { KIND, API_VERSION } from "@localmodel/localmodel/resource/localmodel.ts";
import {
  COMPONENT_LABEL,
  MODEL_LABEL,
  MODEL_SERVER_COMPONENT,
  objectName,
} from "@localmodel/localmodel/cluster/labels.ts";
import type { Identity } from "../model/model.ts";

export const INSPECT_COMPONENT = "inspect";
export const PULL_COMPONENT = "pull";
export const FETCH_COMPONENT = "fetch";
const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";
/** On pods: stands for everything they were made from. */
export const REVISION_ANNOTATION = "localmodel.dev/revision";

/** `component`: what the object is part of. */
export function metadataOf(
  model: Identity,
  { name = objectName(model.name), component = MODEL_SERVER_COMPONENT } = {},
) {
  return {
    name,
    namespace: model.namespace,
    labels: labelsOf(model, component),
    ownerReferences: [ownerReference(model)],
  };
}

export function labelsOf({ name }: Identity, component: string): Readonly<Record<string, string>> {
  return {
    [MODEL_LABEL]: name,
    [COMPONENT_LABEL]: component,
    "app.kubernetes.io/name": "localmodel",
    "app.kubernetes.io/part-of": "localmodel",
    [MANAGED_BY_LABEL]: "localmodel-operator",
  };
}

function ownerReference({ name, uid }: Identity) {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
