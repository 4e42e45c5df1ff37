/**
 * All metrics as text for Prometheus, in the format it asks for.
 *
 * Exemplars, which lead from a bucket of a histogram to a trace, exist only in OpenMetrics. Names follow
 * OpenTelemetry's rules for Prometheus: dots become underscores, units and `_total` are appended.
 */
import type { Distribution, Exemplar, Labels, Metric, MetricRegistry, Point } from "./metrics.ts";

type Exposition = { readonly contentType: string; readonly text: string };

type Format = "text" | "openmetrics";

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** `accept` is the header of the request. */
export function exposition(registry: MetricRegistry, accept = ""): Exposition {
  const format = accept.includes("application/openmetrics-text") ? "openmetrics" : "text";
  const lines: string[] = [];
  for (const metric of registry) {
    const name = prometheusName(metric);
    // Of a counter, OpenMetrics calls the samples `_total`, but not the family.
    const family = format === "text" ? name : name.replace(/_total$/, "");
    lines.push(`# HELP ${family} ${escaped(metric.help)}`, `# TYPE ${family} ${metric.type}`);
    for (const line of samples(name, metric, format)) lines.push(line);
  }
  if (format === "openmetrics") lines.push("# EOF");
  return { contentType: CONTENT_TYPES[format], text: `${lines.join("\n")}\n` };
}

const UNIT_SUFFIXES: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

function prometheusName({ name, unit, type }: Pick<Metric, "name" | "unit" | "type">) {
  const suffixes = [UNIT_SUFFIXES[unit] ?? "", type === "counter" ? "_total" : ""];
  return suffixes.reduce(
    (text, suffix) => (text.endsWith(suffix) ? text : text + suffix),
    name.replaceAll(".", "_"),
  );
}

function* samples(name: string, metric: Metric, format: Format): Iterable<string> {
  if (metric.type === "histogram") {
    for (const point of metric.points()) yield* buckets(name, metric.bounds, point, format);
    return;
  }
  for (const { labels, value } of metric.points()) {
    yield `${name}${labelText(labels)} ${numberText(value)}`;
  }
}

function* buckets(
  name: string,
  bounds: readonly number[],
  { labels, value }: Point<Distribution>,
  format: Format,
): Iterable<string> {
  let below = 0;
  for (const [index, bound] of [...bounds, Infinity].entries()) {
    below += value.counts[index] ?? 0;
    const le = format === "openmetrics" ? decimal(bound) : numberText(bound);
    const exemplar = format === "openmetrics" ? exemplarText(value.exemplars[index]) : "";
    yield `${name}_bucket${labelText({ ...labels, le })} ${below}${exemplar}`;
  }
  yield `${name}_sum${labelText(labels)} ${numberText(value.sum)}`;
  yield `${name}_count${labelText(labels)} ${value.count}`;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, spanId, value, atMs } = exemplar;
  return ` # ${labelText({ trace_id: traceId, span_id: spanId })} ${value} ${atMs / 1000}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name.replaceAll(".", "_")}="${escaped(value).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : numberText(value);
}
