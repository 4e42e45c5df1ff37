/**
 * OpenTelemetry's variables of a model's server: those of the operator's configuration, and where its spans and
 * metrics come from.
 */
import type { Model } from "../model/model.ts";

const ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES";
const POD_NAME = "POD_NAME";

export function telemetryVariables(
  { namespace, name }: Pick<Model, "namespace" | "name">,
  configured: Readonly<Record<string, string>>,
) {
  if (Object.keys(configured).length === 0) return [];
  const own = [
    `k8s.namespace.name=${namespace}`,
    // The kubelet puts the variable in.
    `k8s.pod.name=$(${POD_NAME})`,
    `localmodel.name=${name}`,
  ];
  const { [ATTRIBUTES]: given, ...others } = configured;
  const attributes = [...(given === undefined ? [] : [given]), ...own].join(",");
  return [
    { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ...Object.entries({ ...others, [ATTRIBUTES]: attributes })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([variable, value]) => ({ name: variable, value })),
  ];
}
