/** `spec.env`: environment variables of the model server, as a container has them. */
import { z } from "zod";
import { Quantity } from "./quantity.ts";
import { boundedString, Subdomain, text, textLike } from "./text.ts";

const keyRef = (owner: string) =>
  z.strictObject({
    name: Subdomain.describe(`Name of the ${owner}.`),
    key: textLike(253, /^[-._a-zA-Z0-9]+$/, 'letters, digits, "-", "_" and "."').describe(
      `Key in the ${owner}.`,
    ),
    optional: z
      .boolean()
      .exactOptional()
      .describe(`Whether the ${owner} and the key may be missing.`),
  });

const sources = ["secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef"] as const;
const ONE_SOURCE = `must set exactly one of ${sources.join(", ")}`;

const ValueFrom = z
  .strictObject({
    secretKeyRef: keyRef("Secret").exactOptional().describe("A key of a Secret."),
    configMapKeyRef: keyRef("ConfigMap").exactOptional().describe("A key of a ConfigMap."),
    fieldRef: z
      .strictObject({
        apiVersion: z.literal("v1").exactOptional().describe("Version of the path."),
        fieldPath: text(253).describe("Field of the pod, such as `spec.nodeName`."),
      })
      .exactOptional()
      .describe("A field of the pod."),
    resourceFieldRef: z
      .strictObject({
        containerName: Subdomain.exactOptional().describe("Container that is meant."),
        resource: text(253).describe("Resource, such as `limits.memory`."),
        divisor: Quantity.exactOptional().describe("Unit of the value."),
      })
      .exactOptional()
      .describe("A resource of the container."),
  })
  .check((payload) => {
    if (sources.filter((source) => payload.value[source] !== undefined).length === 1) return;
    payload.issues.push({ code: "custom", message: ONE_SOURCE, input: payload.value });
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: `[${sources.map((source) => `has(self.${source})`).join(", ")}].filter(set, set).size() == 1`,
        message: ONE_SOURCE,
      },
    ],
  });

const VALUE_OR_SOURCE = "must not set both value and valueFrom";

const EnvironmentVariable = z
  .strictObject({
    name: textLike(
      253,
      /^[-._a-zA-Z][-._a-zA-Z0-9]*$/,
      "the name of an environment variable",
    ).describe("Name of the variable."),
    value: boundedString(32_768).exactOptional().describe("Value of the variable."),
    valueFrom: ValueFrom.exactOptional().describe("Where the value comes from."),
  })
  .check((payload) => {
    if (payload.value.value === undefined || payload.value.valueFrom === undefined) return;
    payload.issues.push({ code: "custom", message: VALUE_OR_SOURCE, input: payload.value });
  })
  .meta({
    "x-kubernetes-validations": [
      { rule: "!(has(self.value) && has(self.valueFrom))", message: VALUE_OR_SOURCE },
    ],
  });

export const EnvironmentSpec = z
  .array(EnvironmentVariable)
  .max(128)
  .check((payload) => {
    const seen = new Set<string>();
    for (const [index, { name }] of payload.value.entries()) {
      if (seen.has(name)) {
        payload.issues.push({
          code: "custom",
          path: [index, "name"],
          message: `must be unique in the list; ${JSON.stringify(name)} occurs twice`,
          input: payload.value,
        });
      }
      seen.add(name);
    }
  })
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
