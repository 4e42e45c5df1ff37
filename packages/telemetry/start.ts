/**
 * Turns telemetry on, if the environment asks for it.
 *
 * The SDK is loaded here and nowhere else, and only when it is needed: off, it costs neither time nor memory.
 * Metrics are also kept where nobody is sent any, for whoever reads them from a port.
 */
import { MetricRegistry } from "./metrics.ts";
import { observeProcess } from "./process-metrics.ts";
import { signalsOf } from "./settings.ts";
import type { Tracer } from "./span.ts";

export type Telemetry = {
  /** Undefined when nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Undefined when nobody reads metrics. */
  readonly metrics: MetricRegistry | undefined;
  /** Sends what has not been sent yet, as far as that is possible in a moment. */
  stop(): Promise<void>;
};

export type TelemetryOptions = {
  /** Told of what goes wrong at the exporters, at most once a minute. */
  readonly complain: (message: string) => void;
  /** Where metrics are kept that are read from a port of this process. */
  readonly metrics?: MetricRegistry | undefined;
};

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
