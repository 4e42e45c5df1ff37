/**
 * Turns telemetry on, if the environment asks for it.
 *
 * The SDK is loaded here and nowhere else, and only when it is needed: off, it costs neither time nor memory.
 * Metrics are also kept where nobody is sent any, for whoever reads them from a port.
 */
import { MetricRegistry } from "./metrics/metrics.ts";
import { observeProcess } from "./metrics/process-metrics.ts";
import { signalsOf } from "./settings/environment.ts";
import type { Telemetry, TelemetryOptions } from "./telemetry.ts";

export async function startTelemetry(
  service: string,
  { complain, metrics: served }: TelemetryOptions,
): Promise<Telemetry> {
  const signals = signalsOf(process.env);
  const metrics = served ?? (signals.metrics ? new MetricRegistry() : undefined);
  if (metrics !== undefined) observeProcess(metrics);
  if (!signals.traces && !signals.metrics) {
    return { tracer: undefined, metrics, stop: () => Promise.resolve() };
  }
  const { startSdk } = await import("./sdk.ts");
  return { ...startSdk(service, { signals, complain, metrics }), metrics };
}
