/** How asking Valkey goes. */
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export class ValkeyMetrics {
  readonly #registry: MetricRegistry;
  readonly #durations;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.#durations = registry.histogram(
      "localmodel.valkey.duration",
      "Time that Valkey took for what it was asked, by what that was and what came of it.",
      SECONDS,
      { unit: "s" },
    );
  }

  observeConnection(isConnected: () => boolean): void {
    this.#registry
      .gauge("localmodel.valkey.connected", "Whether there is a connection to Valkey: 1 or 0.")
      .observe({}, () => Number(isConnected()));
  }

  begin(operation: string): (outcome: "ok" | "error") => void {
    const sinceMs = performance.now();
    return (outcome) => {
      this.#durations.observe({ operation, outcome }, (performance.now() - sinceMs) / 1000);
    };
  }
}
