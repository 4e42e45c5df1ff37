/** What telemetry says about the process that it comes from. */
import { diag } from "@opentelemetry/api";
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { hostname } from "node:os";
import { listOf } from "../settings/environment.ts";

export type Identity = {
  /** Unless the environment names it. */
  readonly serviceName: string | undefined;
  /** One for all threads of the process. */
  readonly instanceId: string;
};

const NAMES = "OTEL_NODE_RESOURCE_DETECTORS";

/** The SDK's own looks for the machine's id as well, which containers have none of. */
const HOST_NAME: ResourceDetector = { detect: () => ({ attributes: { "host.name": hostname() } }) };

export function resourceOf(identity: Identity, environment: NodeJS.ProcessEnv): Resource {
  const { serviceName, instanceId } = identity;
  const detectors = detectorsOf(environment, instanceId);
  const detected = defaultResource().merge(detectResources({ detectors }));
  if (serviceName === undefined) return detected;
  return detected.merge(resourceFromAttributes({ "service.name": serviceName }));
}

/**
 * Nothing of the process but its names: command lines are nobody's business. Where the environment asks for other
 * things, those.
 */
function detectorsOf(environment: NodeJS.ProcessEnv, instanceId: string): ResourceDetector[] {
  const instance: ResourceDetector = {
    detect: () => ({ attributes: { "service.instance.id": instanceId } }),
  };
  const asked = listOf(environment[NAMES]);
  if (asked.length === 0) return [instance, HOST_NAME, envDetector];
  const known = new Map<string, ResourceDetector>([
    ["host", hostDetector],
    ["os", osDetector],
    ["serviceinstance", instance],
    ["process", processDetector],
    ["env", envDetector],
  ]);
  if (asked.includes("all")) return [...known.values()];
  return asked.flatMap((name) => {
    const detector = known.get(name);
    if (detector !== undefined) return detector;
    if (name !== "none") {
      const names = [...known.keys(), "all", "none"].join(", ");
      diag.warn(`${NAMES} has "${name}", it should be one of ${names}: left out`);
    }
    return [];
  });
}
