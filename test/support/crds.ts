/** CustomResourceDefinitions, which only tests and benchmarks install by hand: users have the chart. */
import { defineResource } from "@localmodel/kube/objects/resource.ts";

export const CRDS = defineResource({
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
});
