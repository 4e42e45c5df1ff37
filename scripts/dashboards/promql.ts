/** The few shapes of PromQL that the dashboards are made of. */
import type { Query } from "./grafana.ts";

const WINDOW = "[$__rate_interval]";

/** Per second, summed by a label, or over everything. */
export function perSecond(counter: string, labels = "", by = ""): string {
  const rate = `rate(${counter}${matching(labels)}${WINDOW})`;
  return by === "" ? `sum(${rate})` : `sum by (${by}) (${rate})`;
}

/** The usual request, and those that are slower than nineteen of twenty and ninety-nine of a hundred. */
export function quantiles(histogram: string, labels = ""): readonly Query[] {
  const buckets = perSecond(`${histogram}_bucket`, labels, "le");
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${buckets})`,
    legend: `p${quantile * 100}`,
  }));
}

export function sumBy(label: string, gauge: string, labels = ""): string {
  return `sum by (${label}) (${gauge}${matching(labels)})`;
}

function matching(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
