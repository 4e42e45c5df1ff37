/**
 * What is counted about a controller, under controller-runtime's names, so that its dashboards fit.
 */
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

type Result = "success" | "error" | "requeue" | "requeue_after";

const RESULTS: readonly Result[] = ["success", "error", "requeue", "requeue_after"];
const SECONDS_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** Ways for a pass to fail that are counted on their own. */
type Failure = "panic" | "timeout";

const FAILURES: Readonly<Record<Failure, readonly [name: string, help: string]>> = {
  panic: [
    "controller_runtime_reconcile_panics_total",
    "Total number of reconciliation panics per controller",
  ],
  timeout: [
    "controller_runtime_reconcile_timeouts_total",
    "Total number of reconciliation timeouts per controller",
  ],
};

export class ControllerMetrics {
  readonly #labels: { readonly controller: string };
  readonly #results;
  readonly #errors;
  readonly #failures;
  readonly #seconds;

  constructor(registry: MetricRegistry, controller: string, reading: WorkerReading) {
    const labels = { controller };
    this.#labels = labels;
    this.#results = registry.counter(
      "controller_runtime_reconcile_total",
      "Total number of reconciliations per controller",
    );
    this.#errors = registry.counter(
      "controller_runtime_reconcile_errors_total",
      "Total number of reconciliation errors per controller",
    );
    this.#seconds = registry.histogram(
      "controller_runtime_reconcile_time_seconds",
      "Length of time per reconciliation per controller",
      SECONDS_BOUNDS,
    );
    const counterOf = (failure: Failure) => registry.counter(...FAILURES[failure]);
    this.#failures = {
      panic: counterOf("panic"),
      timeout: counterOf("timeout"),
    };
    for (const result of RESULTS) this.#results.add({ controller, result }, 0);
    for (const counter of [this.#errors, ...Object.values(this.#failures)]) counter.add(labels, 0);
    observeWorkers(registry, labels, reading);
  }

  finished(result: Result, tookMs: number): void {
    this.#results.add({ ...this.#labels, result });
    this.#seconds.observe(this.#labels, tookMs / 1000);
    if (result === "error") this.#errors.add(this.#labels);
  }

  failed(failure: Failure): void {
    this.#failures[failure].add(this.#labels);
  }
}

type WorkerReading = { readonly workers: number; readonly active: () => number };

function observeWorkers(
  registry: MetricRegistry,
  labels: { readonly controller: string },
  { workers, active }: WorkerReading,
): void {
  registry
    .gauge(
      "controller_runtime_max_concurrent_reconciles",
      "Maximum number of concurrent reconciles per controller",
    )
    .set(labels, workers);
  registry
    .gauge("controller_runtime_active_workers", "Number of currently used workers per controller")
    .observe(labels, active);
}
