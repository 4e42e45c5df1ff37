/** Values of traces, metrics, alerts and dashboards. */
import { z } from "zod";
import { anyList, labels, namespace, objectName, strings } from "./value-schemas.ts";
import { group, value } from "./value-tree.ts";

const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
/** `--set` makes text of a number with a point. */
const share = z.union([z.number().min(0).max(1), z.string().regex(/^(0(\.[0-9]+)?|1)$/)]);
const seconds = z.union([z.number().min(0.1), z.string().regex(/^[0-9]+(\.[0-9]+)?$/)]);
const duration = z.string().regex(/^([0-9]+(ms|s|m|h))?$/);

export const telemetry = group(
  "Traces and metrics of all components and models, by OpenTelemetry. Without an endpoint nothing is sent.",
  {
    endpoint: value(
      "The collector, such as `http://collector.observability.svc:4318`.",
      z.string().regex(/^(https?:\/\/[^\s]+)?$/),
      "",
    ),
    protocol: value(
      "How to speak to it.",
      z.enum(["http/protobuf", "http/json", "grpc"]),
      "http/protobuf",
    ),
    sampler: value(
      "Which traces are kept; a client that brings a trace with it decides for its own.",
      z.enum(SAMPLERS),
      "parentbased_traceidratio",
    ),
    samplerArgument: value(
      "For samplers by ratio: the share of traces that is kept.",
      share,
      "0.1",
    ),
    environment: value(
      "Further variables of OpenTelemetry's, such as `{ OTEL_EXPORTER_OTLP_TIMEOUT: '5000' }`.",
      z.record(z.string().regex(/^OTEL_[A-Z0-9_]{1,120}$/), z.string().max(4096)),
      {},
    ),
    headersSecret: group(
      "A Secret of this namespace with headers for the collector, as `key=value,key=value`. Models do not get it.",
      {
        name: value("Its name.", objectName, ""),
        key: value("Key of the Secret's data.", z.string().min(1), "headers"),
      },
    ),
  },
);

/** What the two kinds of monitors have in common. */
function monitor(about: string) {
  return group(about, {
    enabled: value("Whether to make one; needs the Prometheus operator.", z.boolean(), false),
    labels: value("Labels by which Prometheus finds it.", labels, {}),
    annotations: value("Annotations.", strings, {}),
    interval: value("How often it is scraped; default: Prometheus' own.", duration, ""),
    scrapeTimeout: value("How long a scrape may take; default: Prometheus' own.", duration, ""),
    relabelings: value("Relabelings of targets.", anyList, []),
    metricRelabelings: value("Relabelings of samples.", anyList, []),
  });
}

export const metrics = group("What Prometheus may read.", {
  enabled: value(
    "Whether they can be read: on port 9090 of the API service and of models, on 8080 of the operator.",
    z.boolean(),
    true,
  ),
  serviceMonitor: monitor("For the API service and the operator."),
  podMonitor: monitor("For models."),
  prometheusRule: group("Alerts.", {
    enabled: value("Whether to make them; needs the Prometheus operator.", z.boolean(), false),
    labels: value("Labels by which Prometheus finds them.", labels, {}),
    annotations: value("Annotations.", strings, {}),
    waitingRequests: value(
      "Alert when more requests than this wait for one model.",
      z.int().min(1),
      20,
    ),
    firstTokenSeconds: value(
      "Alert when one request in twenty waits longer than this for its first token.",
      seconds,
      30,
    ),
    additionalRules: value("Further rules.", anyList, []),
  }),
  dashboards: group("For Grafana, as ConfigMaps that its sidecar finds.", {
    enabled: value("Whether to make them.", z.boolean(), false),
    labels: value("Labels by which the sidecar finds them.", labels, { grafana_dashboard: "1" }),
    annotations: value("Annotations, such as the one for a folder.", strings, {}),
    namespace: value(
      "Namespace of the ConfigMaps. Default: the release's.",
      z.union([z.literal(""), namespace]),
      "",
    ),
  }),
});
