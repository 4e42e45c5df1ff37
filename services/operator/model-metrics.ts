/** How many LocalModels there are, by what their Ready condition says: reasons are few, and never names of models. */
import type { MetricRegistry, Point } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Caches } from "./observe/caches.ts";
import type { StoredModel } from "./model/local-model-resource.ts";

export function observeModels(registry: MetricRegistry, caches: Caches): void {
  registry
    .gauge("localmodel_models", "LocalModels by the reason of their Ready condition.")
    .observeAll(() => countByReason(caches.modelCaches.flatMap((cache) => cache.list())));
}

function* countByReason(models: readonly StoredModel[]): Iterable<Point<number>> {
  for (const [reason, those] of Map.groupBy(models, reasonOf)) {
    yield { labels: { reason }, value: those.length };
  }
}

function reasonOf({ status }: StoredModel): string {
  const conditions = (status as { conditions?: readonly Condition[] } | undefined)?.conditions;
  const ready = conditions?.find(({ type }) => type === "Ready");
  return ready?.reason ?? "Unknown";
}

type Condition = { readonly type: string; readonly reason: string };
