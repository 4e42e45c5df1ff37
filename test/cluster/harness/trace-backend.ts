/** Jaeger in the cluster: the collector that the installation sends its traces to, and what it has received. */
import { Jaeger } from "../../support/jaeger.ts";
import { kubectlOf } from "./kubectl.ts";
import type { RunningCluster } from "./running-cluster.ts";

const NAMESPACE = "observability";
const NAME = "jaeger";
const OTLP_PORT = 4318;
const QUERY_PORT = 16_686;
/** Of the hundreds that scenarios with load make, those that a test asks for are the latest. */
const TRACES_MAX = 5000;

export const COLLECTOR_URL = `http://${NAME}.${NAMESPACE}.svc.cluster.local:${OTLP_PORT}`;

export async function startTraceBackend(cluster: RunningCluster): Promise<void> {
  const kubectl = kubectlOf(cluster, NAMESPACE);
  const items = [namespace(), deployment(cluster.images.jaeger), service()];
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await kubectl("apply", "--filename", "-", { input });
  await kubectl("rollout", "status", `deployment/${NAME}`, "--timeout=120s");
}

/** Asked through the API server, which reaches Services that this machine does not. */
export function traceBackend(cluster: RunningCluster): Jaeger {
  const kubectl = kubectlOf(cluster, NAMESPACE);
  const proxy = `/api/v1/namespaces/${NAMESPACE}/services/${NAME}:${QUERY_PORT}/proxy`;
  return new Jaeger(async (path) => {
    const answer = await kubectl("get", "--raw", `${proxy}${path}`).catch((error: unknown) => {
      if (String(error).includes("NotFound")) return undefined;
      throw error;
    });
    return answer === undefined ? undefined : JSON.parse(answer);
  });
}

function namespace(): object {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels } };
}

function deployment(image: string): object {
  const labels = { app: NAME };
  const container = {
    name: NAME,
    image,
    imagePullPolicy: "IfNotPresent",
    args: [`--memory.max-traces=${TRACES_MAX}`],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    readinessProbe: { tcpSocket: { port: OTLP_PORT }, periodSeconds: 1 },
  };
  const pod = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
}

function service(): object {
  const ports = [OTLP_PORT, QUERY_PORT].map((port) => ({ name: `port-${port}`, port }));
  const metadata = { name: NAME, namespace: NAMESPACE };
  return { apiVersion: "v1", kind: "Service", metadata, spec: { selector: { app: NAME }, ports } };
}
