import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition } from "./exposition.ts";
import { MetricRegistry } from "./metrics.ts";
import type { Span } from "../spans/span.ts";

test("a histogram counts what is at or below each bound", () => {
  const registry = new MetricRegistry();
  const histogram = registry.histogram("wait_seconds", "Waits.", [0.1, 1]);
  for (const measured of [0.05, 0.1, 0.5, 3]) histogram.observe({ queue: "q" }, measured);
  assert.equal(
    exposition(registry).text,
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
  assert.match(exposition(registry).text, /size\{of="a"\} 2\nsize\{of="b"\} -Inf\n/);
});

test("one name is one metric, and of one type", () => {
  const registry = new MetricRegistry();
  assert.equal(registry.counter("x_total", "X."), registry.counter("x_total", "X."));
  assert.throws(() => registry.gauge("x_total", "X."), /the metric x_total is a counter/);
});

test("names of OpenTelemetry get the unit and the total that Prometheus wants", () => {
  const registry = new MetricRegistry();
  registry.counter("localmodel.rejects", "Rejects.").add({ "error.type": "a" });
  registry.counter("cpu_seconds_total", "CPU.").add({});
  registry.histogram("gen_ai.server.duration", "D.", [1], { unit: "s" }).observe({}, 0.5);
  const { text } = exposition(registry);
  assert.match(text, /^localmodel_rejects_total\{error_type="a"\} 1$/m);
  assert.match(text, /^cpu_seconds_total 1$/m);
  assert.match(text, /^gen_ai_server_duration_seconds_bucket\{le="1"\} 1$/m);
});

test("what comes after a thousand series of a metric is counted together", () => {
  const registry = new MetricRegistry();
  const counter = registry.counter("asked_total", "Asked.");
  for (let index = 0; index < 5000; index += 1) counter.add({ by: `client-${index}` });
  const series = exposition(registry).text.match(/^asked_total\{/gm) ?? [];
  assert.equal(series.length, 1001);
  assert.match(exposition(registry).text, /^asked_total\{otel_metric_overflow="true"\} 4000$/m);
});

test("a bucket leads to the trace of its latest measurement, where the reader can follow it", () => {
  const registry = new MetricRegistry();
  const histogram = registry.histogram("took", "Took.", [1, 2], { unit: "s" });
  const span = { isRecording: true, traceId: "abc", spanId: "def" } as Span;
  histogram.observe({}, 1.5, span);
  histogram.observe({}, 0.5, { ...span, isRecording: false });
  const { text, contentType } = exposition(registry, "application/openmetrics-text;version=1.0.0");
  assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/);
  assert.match(text, /^took_seconds_bucket\{le="1\.0"\} 1$/m);
  assert.match(
    text,
    /^took_seconds_bucket\{le="2\.0"\} 2 # \{trace_id="abc",span_id="def"\} 1\.5 [\d.]+$/m,
  );
  assert.match(text, /\n# EOF\n$/);
  assert.doesNotMatch(exposition(registry).text, /trace_id|EOF/);
});
