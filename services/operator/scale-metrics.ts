/** What models that scale have and are asked for. Label values are the names of LocalModels, which are few. */
import type { MetricRegistry, Point } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Scales } from "./scaling/scales.ts";

export function observeScales(registry: MetricRegistry, scales: Scales): void {
  const of = (value: (one: Listed) => number) => () => points(scales.list(), value);
  registry
    .gauge("localmodel_scale_desired_replicas", "Replicas that a model should have by demand.")
    .observeAll(of(([, { desired }]) => desired));
  registry
    .gauge("localmodel_scale_in_flight_requests", "Requests at the servers of a model that scales.")
    .observeAll(of(([, , { inFlight }]) => inFlight));
  registry
    .gauge("localmodel_scale_queued_requests", "Requests that wait for a model that scales.")
    .observeAll(of(([, , { queued }]) => queued));
  registry
    .gauge("localmodel_scale_demand_known", "1 while every API pod says what is asked for.")
    .observeAll(() => {
      const { isDemandKnown } = scales;
      return isDemandKnown === undefined ? [] : [{ labels: {}, value: Number(isDemandKnown) }];
    });
}

type Listed = ReturnType<Scales["list"]>[number];

function* points(
  listed: readonly Listed[],
  value: (one: Listed) => number,
): Iterable<Point<number>> {
  for (const one of listed) {
    const [namespace = "", name = ""] = one[0].split("/");
    yield { labels: { namespace, name }, value: value(one) };
  }
}
