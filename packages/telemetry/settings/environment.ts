/**
 * Whether anything is to be exported, by OpenTelemetry's own environment variables.
 *
 * Unlike the SDK, which sends to a collector on this machine unless told otherwise, nothing is sent until
 * somebody says where to or by which exporter.
 */

export type Signals = { readonly traces: boolean; readonly metrics: boolean };

const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

export function signalsOf(environment: NodeJS.ProcessEnv): Signals {
  if (environment["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true") {
    return { traces: false, metrics: false };
  }
  return {
    traces: isOn(environment, "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    metrics: isOn(environment, "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
  };
}

function isOn(environment: NodeJS.ProcessEnv, exporter: string, endpoint: string): boolean {
  const named = listOf(environment[exporter]);
  if (named.length > 0) return !named.includes("none");
  return [ENDPOINT, endpoint].some((name) => (environment[name] ?? "").trim() !== "");
}

type Signal = "TRACES" | "METRICS";

/** How a signal is sent by OTLP. The SDK takes what it does not know for http/protobuf. */
export function otlpProtocol(environment: NodeJS.ProcessEnv, signal: Signal): string {
  const protocol =
    environment[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ??
    environment["OTEL_EXPORTER_OTLP_PROTOCOL"] ??
    "http/protobuf";
  return protocol.trim();
}

export function listOf(value: string | undefined): readonly string[] {
  return (value ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** The name of the service, unless the environment has another: then undefined. */
export function ownName(service: string, environment: NodeJS.ProcessEnv): string | undefined {
  const isNamed =
    (environment["OTEL_SERVICE_NAME"] ?? "") !== "" ||
    listOf(environment["OTEL_RESOURCE_ATTRIBUTES"]).some((one) => one.startsWith("service.name="));
  return isNamed ? undefined : service;
}
