/**
 * When the kubelet asks a model server what.
 *
 * Loading takes as long as reading the weights from the slowest disk worth having; until it is over, only
 * the startup probe counts. Afterwards readiness is whether requests would be served, and liveness whether
 * the HTTP process answers at all: it never waits for the engine, so a busy model is not restarted.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { SERVER_PORT_NAME } from "@localmodel/localmodel/cluster/pod-layout.ts";

/** Also how late a pod may be noticed to have become ready. */
const STARTUP_PERIOD_SECONDS = 1;
const STARTUP_BASE_SECONDS = 300;
const SLOWEST_BYTES_PER_SECOND = 20e6;
/** Where the size is not known. */
const STARTUP_UNKNOWN_SECONDS = 4 * 3600;

const answers = (path: string) => ({ httpGet: { path, port: SERVER_PORT_NAME, scheme: "HTTP" } });

export function probesOf(inspection: Inspection | undefined) {
  return {
    startupProbe: {
      ...answers("/readyz"),
      periodSeconds: STARTUP_PERIOD_SECONDS,
      timeoutSeconds: 5,
      failureThreshold: Math.ceil(startupSeconds(inspection) / STARTUP_PERIOD_SECONDS),
    },
    readinessProbe: {
      ...answers("/readyz"),
      periodSeconds: 5,
      timeoutSeconds: 5,
      failureThreshold: 2,
    },
    livenessProbe: {
      ...answers("/healthz"),
      periodSeconds: 10,
      timeoutSeconds: 10,
      failureThreshold: 6,
    },
  };
}

function startupSeconds(inspection: Inspection | undefined): number {
  if (inspection === undefined) return STARTUP_UNKNOWN_SECONDS;
  const bytes = inspection.sizeBytes + inspection.furtherBytes;
  return STARTUP_BASE_SECONDS + bytes / SLOWEST_BYTES_PER_SECOND;
}
