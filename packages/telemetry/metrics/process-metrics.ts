/** What a process takes of its machine, under the names that all exporters for Prometheus give it. */
import type { MetricRegistry } from "./metrics.ts";

export function observeProcess(registry: MetricRegistry): void {
  const cpu = registry.counter(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
  );
  cpu.observe({}, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry
    .gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
    .observe({}, () => process.memoryUsage.rss());
  registry
    .gauge("process_start_time_seconds", "Start time of the process since the Unix epoch.")
    .set({}, performance.timeOrigin / 1000);
}
