/** The CustomResourceDefinition of LocalModelClass, as data. */
import { CLASS_KIND, CLASS_PLURAL, LocalModelClassSpec } from "../resource/class-spec.ts";
import { API_VERSION, GROUP, VERSION } from "../resource/localmodel.ts";
import { structuralSchema } from "../resource/structural.ts";
import { published } from "./crd.ts";

/** Where the API server serves LocalModelClasses. */
export const CLASS_RESOURCE = {
  group: GROUP,
  version: VERSION,
  plural: CLASS_PLURAL,
  kind: CLASS_KIND,
  namespaced: false,
} as const;

export function classDefinition() {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${CLASS_PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Cluster",
      names: {
        kind: CLASS_KIND,
        listKind: `${CLASS_KIND}List`,
        plural: CLASS_PLURAL,
        singular: CLASS_KIND.toLowerCase(),
        shortNames: ["lmc"],
        // Not in the category `localmodel`: `kubectl delete localmodel NAME` would be of two resources.
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description:
                "What a platform gives to the LocalModels that name it, and what it lets them do.",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string", description: `Always ${API_VERSION}.` },
                kind: { type: "string", description: `Always ${CLASS_KIND}.` },
                metadata: { type: "object" },
                spec: published(structuralSchema(LocalModelClassSpec)),
              },
            },
          },
          additionalPrinterColumns: [
            { name: "Namespaces", type: "string", jsonPath: ".spec.allowedNamespaces" },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
        },
      ],
    },
  };
}
