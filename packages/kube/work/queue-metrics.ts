/**
 * What is counted about a work queue, under the names of client-go and controller-runtime.
 */
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

const SECONDS_BOUNDS = Array.from({ length: 12 }, (_, power) => Number(`1e${power - 8}`));

type QueueReading = {
  readonly depth: { readonly normal: () => number; readonly low: () => number };
  /** Ages of the passes under way. */
  readonly runningMs: () => readonly number[];
};

export class QueueMetrics {
  readonly #labels: { readonly name: string; readonly controller: string };
  readonly #adds;
  readonly #retries;
  readonly #queued;
  readonly #worked;

  constructor(registry: MetricRegistry, name: string, reading: QueueReading) {
    const labels = { name, controller: name };
    this.#labels = labels;
    this.#adds = registry.counter(
      "workqueue_adds_total",
      "Total number of adds handled by workqueue",
    );
    this.#retries = registry.counter(
      "workqueue_retries_total",
      "Total number of retries handled by workqueue",
    );
    this.#queued = registry.histogram(
      "workqueue_queue_duration_seconds",
      "How long in seconds an item stays in workqueue before being requested",
      SECONDS_BOUNDS,
    );
    this.#worked = registry.histogram(
      "workqueue_work_duration_seconds",
      "How long in seconds processing an item from workqueue takes.",
      SECONDS_BOUNDS,
    );
    this.#adds.add(labels, 0);
    this.#retries.add(labels, 0);
    observeReading(registry, labels, reading);
  }

  added(): void {
    this.#adds.add(this.#labels);
  }

  retried(): void {
    this.#retries.add(this.#labels);
  }

  taken(waitedMs: number): void {
    this.#queued.observe(this.#labels, waitedMs / 1000);
  }

  done(workedMs: number): void {
    this.#worked.observe(this.#labels, workedMs / 1000);
  }
}

function observeReading(
  registry: MetricRegistry,
  labels: { readonly name: string; readonly controller: string },
  { depth, runningMs }: QueueReading,
): void {
  const depths = registry.gauge("workqueue_depth", "Current depth of workqueue by priority");
  depths.observe({ ...labels, priority: "0" }, depth.normal);
  depths.observe({ ...labels, priority: "-100" }, depth.low);
  registry
    .gauge(
      "workqueue_unfinished_work_seconds",
      "How many seconds of work is in progress that work_duration has not counted yet. Large values indicate stuck workers.",
    )
    .observe(labels, () => runningMs().reduce((sum, ms) => sum + ms, 0) / 1000);
  registry
    .gauge(
      "workqueue_longest_running_processor_seconds",
      "How many seconds the longest running processor for workqueue has been running.",
    )
    .observe(labels, () => Math.max(0, ...runningMs()) / 1000);
}
