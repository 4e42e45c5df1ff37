import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricRegistry } from "./metrics.ts";

test("a histogram counts what is at or below each bound", () => {
  const registry = new MetricRegistry();
  const histogram = registry.histogram("wait_seconds", "Waits.", [0.1, 1]);
  for (const measured of [0.05, 0.1, 0.5, 3]) histogram.observe({ queue: "q" }, measured);
  assert.equal(
    registry.render(),
    [
      "# HELP wait_seconds Waits.",
      "# TYPE wait_seconds histogram",
      'wait_seconds_bucket{queue="q",le="0.1"} 2',
      'wait_seconds_bucket{queue="q",le="1"} 3',
      'wait_seconds_bucket{queue="q",le="+Inf"} 4',
      'wait_seconds_sum{queue="q"} 3.65',
      'wait_seconds_count{queue="q"} 4',
      "",
    ].join("\n"),
  );
});

test("gauges are read when somebody looks, and series stay apart by their labels", () => {
  const registry = new MetricRegistry();
  let size = 1;
  registry.gauge("size", "Size.").observe({ of: "a" }, () => size);
  registry.gauge("size", "Size.").set({ of: "b" }, -Infinity);
  size = 2;
  assert.match(registry.render(), /size\{of="a"\} 2\nsize\{of="b"\} -Inf\n/);
});

test("one name is one metric, and of one type", () => {
  const registry = new MetricRegistry();
  assert.equal(registry.counter("x_total", "X."), registry.counter("x_total", "X."));
  assert.throws(() => registry.gauge("x_total", "X."), /the metric x_total is a counter/);
});
