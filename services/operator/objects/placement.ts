/**
 * Where pods may run: what the author says, and what accelerators add to it.
 *
 * Required node affinity is a list of alternatives, so what a GPU requires goes into every one of them.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { deviceMemoryAlternatives } from "./device-memory.ts";
import { driverAlternatives, type NodeRequirements } from "./driver.ts";
import {
  deviceNodes,
  gpuOf,
  gpuRequirements,
  gpuTolerations,
  type NodeRequirement,
} from "./gpu.ts";
import { architecturesOf } from "./image.ts";
import { serviceAccountName } from "./service-account.ts";

/** For all pods of a model, those that need no accelerator included: they may have to run on nodes that have some. */
export function commonPlacement(model: Model, { imagePullSecrets, podFields }: Platform) {
  const { spec } = model;
  const tolerations = [...(spec.tolerations ?? []), ...gpuTolerations(gpuOf(model))];
  const secrets = [
    ...new Set([...imagePullSecrets, ...(spec.imagePullSecrets ?? []).map(({ name }) => name)]),
  ];
  return {
    ...podFields,
    serviceAccountName: serviceAccountName(model),
    ...(spec.nodeSelector && { nodeSelector: spec.nodeSelector }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(spec.affinity && { affinity: spec.affinity }),
    ...(spec.priorityClassName !== undefined && { priorityClassName: spec.priorityClassName }),
    ...(spec.schedulerName !== undefined && { schedulerName: spec.schedulerName }),
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
  };
}

export function serverPlacement(
  model: Model,
  platform: Platform,
  inspection: Inspection | undefined,
) {
  return placementBeside(model, platform, inspection, []);
}

/**
 * For a pod that asks for no device and has to run where the server could: what it mounts stays there. Undefined where
 * nobody can tell which nodes have devices.
 */
export function devicePlacement(
  model: Model,
  platform: Platform,
  inspection: Inspection | undefined,
) {
  const gpu = gpuOf(model);
  const nodes = gpu === undefined || selectsNodes(model) ? [] : deviceNodes(gpu);
  if (gpu !== undefined && nodes.length === 0 && !selectsNodes(model)) return undefined;
  return placementBeside(model, platform, inspection, nodes);
}

/** Of all nodes. */
const SAY_NOTHING: readonly string[] = ["kubernetes.io/os", "kubernetes.io/arch"];

/** Whether its author, or its class, says on which nodes its devices are. */
function selectsNodes({ spec: { nodeSelector = {}, affinity, gpu } }: Model): boolean {
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const keys = [
    ...Object.keys(nodeSelector),
    ...(terms ?? []).flatMap(({ matchExpressions = [] }) => matchExpressions.map(({ key }) => key)),
  ];
  const isOfDevice = gpu?.memory !== undefined || (gpu?.products ?? []).length > 0;
  return isOfDevice || keys.some((key) => !SAY_NOTHING.includes(key));
}

function placementBeside(
  model: Model,
  platform: Platform,
  inspection: Inspection | undefined,
  nodes: readonly NodeRequirement[],
) {
  const { spec } = model;
  const requirements = [
    ...gpuRequirements(gpuOf(model)),
    ...architectureRequirements(architecturesOf(model, platform)),
  ];
  const alternatives = [
    deviceMemoryAlternatives(model, inspection).map((one) => [one]),
    driverAlternatives(model, platform),
    nodes.map((one) => [one]),
  ];
  const affinity = withRequirements(spec.affinity, requirements, alternatives);
  return {
    ...commonPlacement(model, platform),
    ...(affinity && { affinity }),
    ...(spec.runtimeClassName !== undefined && { runtimeClassName: spec.runtimeClassName }),
  };
}

/** For a pod that runs the image for CPUs whatever its model needs. */
export function inspectPlacement(model: Model, platform: Platform) {
  const requirements = architectureRequirements(platform.architectures.cpu ?? []);
  const affinity = withRequirements(model.spec.affinity, requirements);
  return { ...commonPlacement(model, platform), ...(affinity && { affinity }) };
}

/** For a pod that runs on one node and no other, whatever its taints. */
export function onNode(name: string) {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [name] }];
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
    tolerations: [{ operator: "Exists" }],
  };
}

function architectureRequirements(values: readonly string[]): readonly NodeRequirement[] {
  return values.length === 0 ? [] : [{ key: "kubernetes.io/arch", operator: "In", values }];
}

type Affinity = NonNullable<Model["spec"]["affinity"]>;

function withRequirements(
  affinity: Affinity | undefined,
  requirements: readonly NodeRequirement[],
  alternatives: readonly (readonly NodeRequirements[])[] = [],
): object | undefined {
  // Terms are alternatives themselves: each is there once for each of these.
  const added = alternatives
    .filter((group) => group.length > 0)
    .reduce(
      (sets, group) => sets.flatMap((set) => group.map((one) => [...set, ...one])),
      [requirements],
    );
  if (added.flat().length === 0) return affinity;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [{}];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.flatMap((term) =>
          added.map((further) => ({
            ...term,
            matchExpressions: [...(term.matchExpressions ?? []), ...further],
          })),
        ),
      },
    },
  };
}
