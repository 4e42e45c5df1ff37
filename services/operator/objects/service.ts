/**
 * The Service of a LocalModel: its pods' addresses, as the api reads them from EndpointSlices, and a name
 * for clients inside the cluster that want this one model, where no key is asked for.
 */
import type { Service } from "@localmodel/kube/objects/core-resources.ts";
import type { ApplyConfiguration } from "@localmodel/kube/objects/objects.ts";
import { selectorLabels } from "@localmodel/localmodel/cluster/labels.ts";
import { SERVER_PORT, SERVER_PORT_NAME } from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { Identity } from "../model/model.ts";
import { metadataOf } from "./metadata.ts";

export function service(model: Identity): ApplyConfiguration<Service> {
  return {
    metadata: metadataOf(model),
    spec: {
      type: "ClusterIP",
      selector: selectorLabels(model.name),
      ports: [
        {
          name: SERVER_PORT_NAME,
          protocol: "TCP",
          appProtocol: "http",
          port: SERVER_PORT,
          targetPort: SERVER_PORT_NAME,
        },
      ],
    },
  };
}
