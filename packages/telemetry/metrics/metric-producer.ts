/** The metrics of a registry in the form in which OpenTelemetry's SDK sends metrics. */
import { type HrTime, ValueType } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Metric, MetricRegistry } from "./metrics.ts";

export function metricProducer(registry: MetricRegistry): MetricProducer {
  return {
    collect: () => {
      const period = { startTime: hrTime(registry.startMs), endTime: hrTime(Date.now()) };
      const metrics = [...registry].map((metric) => dataOf(metric, period));
      const scopeMetrics = [{ scope: { name: "localmodel" }, metrics }];
      // The reader puts its own resource in place of this one.
      const resourceMetrics = { resource: emptyResource(), scopeMetrics };
      return Promise.resolve<CollectionResult>({ resourceMetrics, errors: [] });
    },
  };
}

type Period = { readonly startTime: HrTime; readonly endTime: HrTime };

function dataOf(metric: Metric, period: Period): MetricData {
  const { name, help: description, unit } = metric;
  const common = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (metric.type === "histogram") {
    const dataPoints = Array.from(metric.points(), ({ labels, value }) => ({
      ...period,
      attributes: labels,
      value: {
        buckets: { boundaries: [...metric.bounds], counts: [...value.counts] },
        sum: value.sum,
        count: value.count,
      },
    }));
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = Array.from(metric.points(), ({ labels, value }) => ({
    ...period,
    attributes: labels,
    value,
  }));
  if (metric.type === "gauge") return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...common, dataPointType: DataPointType.SUM, dataPoints, isMonotonic: true };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}
