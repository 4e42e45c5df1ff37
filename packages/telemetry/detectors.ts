/** What telemetry says about the process that it comes from. */
import { envDetector, type ResourceDetector } from "@opentelemetry/resources";
import { hostname } from "node:os";

/** The SDK's own looks for the machine's id as well, which containers have none of. */
const HOST_NAME: ResourceDetector = { detect: () => ({ attributes: { "host.name": hostname() } }) };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Nothing of the process but its names: command lines are nobody's business. Where the environment asks for other
 * things, those: then the SDK finds them. `instanceId` is one for all threads of the process.
 */
export function detectorsOf(environment: Environment, instanceId: string) {
  if (environment["OTEL_NODE_RESOURCE_DETECTORS"] !== undefined) return {};
  const instance: ResourceDetector = {
    detect: () => ({ attributes: { "service.instance.id": instanceId } }),
  };
  return { resourceDetectors: [instance, HOST_NAME, envDetector] };
}
